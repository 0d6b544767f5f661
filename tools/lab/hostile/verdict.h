/* How a probe says what came of it: "pass NAME ..." or "fail NAME ...". */
#ifndef HOSTILE_VERDICT_H
#define HOSTILE_VERDICT_H

/* Says it, and returns 1 if it failed. */
int verdict(int passed, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
