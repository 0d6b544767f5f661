#include_next <linux/string.h>
#include <string.h>
