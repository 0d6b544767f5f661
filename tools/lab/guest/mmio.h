#ifndef LAB_MMIO_H
#define LAB_MMIO_H

/* Reads and writes a page of a PCI function's BAR with every size of access, and says each. */
int mmio(const char *resource, const char *page);

/* Writes a page of its own when told to on standard input, and says each write. */
int writes(void);

#endif
