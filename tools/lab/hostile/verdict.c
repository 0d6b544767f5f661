#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

int verdict(int passed, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s %s ", passed ? "pass" : "fail", name);
    vprintf(format, arguments);
    putchar('\n');
    fflush(stdout);
    va_end(arguments);
    return !passed;
}
