/* A kernel for PVH domains that does nothing: for domains that are made and never run. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY, xen/include/public/elfnote.h */
    .asciz "Xen"
    .long start
    .text
    .code32
    .globl start
start:
    hlt
    jmp start
