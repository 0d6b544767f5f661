#ifndef LAB_REGISTERS_H
#define LAB_REGISTERS_H

/* Fills registers, waits, and looks whether each still holds what it held; says which did not. */
int registers(const char *seconds);

#endif
