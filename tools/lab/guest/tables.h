#ifndef LAB_TABLES_H
#define LAB_TABLES_H

/* Builds tables, says what is in them, and waits to be killed. */
int tables(void);

#endif
