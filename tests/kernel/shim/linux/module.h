#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)
