/* What the lab's guests can do when dom0 asks: see each verb's file. */
#include <stdio.h>
#include <string.h>

#include "mmio.h"
#include "registers.h"
#include "tables.h"

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 2 && !strcmp(verb, "tables"))
        return tables();
    if ((argc == 3 || argc == 4) && !strcmp(verb, "mmio"))
        return mmio(argv[2], argc == 4 ? argv[3] : "0");
    if (argc == 3 && !strcmp(verb, "registers"))
        return registers(argv[2]);
    if (argc == 2 && !strcmp(verb, "writes"))
        return writes();
    fputs("usage: lab-guest tables | mmio RESOURCE [PAGE] | registers SECONDS | writes\n", stderr);
    return 2;
}
