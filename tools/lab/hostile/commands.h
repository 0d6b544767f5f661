/* Commands of the GPU (Skylake PRM, volume 2a). Addresses are two words, the low one first. */
#ifndef HOSTILE_COMMANDS_H
#define HOSTILE_COMMANDS_H

#define MI_NOOP 0u
#define MI_USER_INTERRUPT (0x02u << 23)
#define MI_BATCH_END (0x0au << 23)
#define MI_BATCH_START (0x31u << 23 | 1)
#define IN_PROCESS_SPACE (1u << 8) /* of MI_BATCH_START */
#define SECOND_LEVEL (1u << 22)    /* of MI_BATCH_START */
#define MI_SEMAPHORE_WAIT_SAME (0x1cu << 23 | 2 | 1u << 15 | 4u << 12)
#define MI_STORE_WORD (0x20u << 23 | 2)
#define MI_LOAD_REGISTER (0x22u << 23 | 1)
#define MI_UPDATE_ENTRIES (0x23u << 23 | 1)
#define MI_STORE_REGISTER (0x24u << 23 | 2)
#define MI_FLUSH (0x26u << 23 | 2)
#define MI_FLUSH_LONG (0x26u << 23 | 3) /* with a second word to store */
#define FLUSH_STORE (1u << 14)
#define FLUSH_GLOBAL (1u << 2) /* of its first address word */
#define MI_LOAD_MEMORY (0x29u << 23 | 2)
#define MI_COPY (0x2eu << 23 | 3)
#define MI_ATOMIC_ADD (0x2fu << 23 | 9 | 0x07u << 8 | 1u << 18) /* of a word, with operands in the command */
#define GLOBAL (1u << 22) /* of most MI commands: the address is the GGTT's */
#define PIPE_CONTROL (3u << 29 | 3u << 27 | 2u << 24 | 4)
/* Of its flags: what is stored, and that the address is the GGTT's. */
#define PIPE_STORE (1u << 14)
#define PIPE_STORE_TIME (3u << 14)
#define PIPE_GLOBAL (1u << 24)
#define BLT_FILL (2u << 29 | 0x50u << 22 | 3u << 20 | 5)

#endif
