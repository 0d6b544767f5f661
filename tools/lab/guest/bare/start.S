/*
 * Starts ask.c as a PV or as a PVH domain: where each begins, and how it gets to 64-bit C with the hypercall page in
 * place. Notes: xen/include/public/elfnote.h; PVH's start: docs/misc/pvh.pandoc.
 */
    .macro note number, size
    .balign 4
    .long 4, \size, \number
    .asciz "Xen"
    .endm

    .section .note.Xen, "a", @note
    note 1, 8 /* ENTRY, of PV */
    .quad pv_start
    note 2, 8 /* HYPERCALL_PAGE, which Xen fills for PV */
    .quad hypercall_page
    note 3, 8 /* VIRT_BASE: in a PV domain, virtual is pseudo-physical */
    .quad 0
    note 4, 8 /* PADDR_OFFSET */
    .quad 0
    note 5, 8 /* XEN_VERSION */
    .asciz "xen-3.0"
    note 8, 8 /* LOADER */
    .asciz "generic"
    note 18, 8 /* PHYS32_ENTRY, of PVH */
    .quad pvh_start

    .text
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096

    .code64
pv_start:
    cld
    mov %rsi, %rdi /* start_info */
    call ask

    /* 32 bits, no paging, flat segments. */
    .code32
    .globl pvh_start
pvh_start:
    cld
    mov $stack_end, %esp

    /* The first 4 GiB, in pages of 2 MiB, where they are. */
    mov $directories, %edi
    mov $0x83, %eax /* present, writable, large */
1:  mov %eax, (%edi)
    movl $0, 4(%edi)
    add $8, %edi
    add $0x200000, %eax
    jnc 1b
    mov $(directories + 0x003), %eax
    mov $pointers, %edi
    mov $4, %ecx
2:  mov %eax, (%edi)
    add $8, %edi
    add $0x1000, %eax
    loop 2b
    movl $(pointers + 0x003), top
    mov $top, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax /* PAE */
    mov %eax, %cr4
    mov $0xc0000080, %ecx /* EFER */
    rdmsr
    or $0x100, %eax /* LME */
    wrmsr
    mov %cr0, %eax
    or $0x80000000, %eax /* PG */
    mov %eax, %cr0
    lgdt segments_at
    ljmp $8, $long_mode

    .code64
long_mode:
    mov $0x40000000, %eax /* Xen's leaves: the third has the MSR that wants the page's address */
    cpuid
    cmp $0x566e6558, %ebx /* "XenV" */
    jne 3f
    mov $0x40000002, %eax
    cpuid
    mov %ebx, %ecx
    mov $hypercall_page, %eax
    xor %edx, %edx
    wrmsr
    xor %edi, %edi /* no start_info */
    call ask
3:  hlt
    jmp 3b

    .data
    .balign 8
segments:
    .quad 0, 0x00af9b000000ffff /* 64-bit code */
segments_at:
    .word . - segments - 1
    .long segments

    .bss
    .balign 4096
top:
    .skip 4096
pointers:
    .skip 4096
directories:
    .skip 4 * 4096
    .skip 8192
stack_end:
    .section .note.GNU-stack, "", @progbits
