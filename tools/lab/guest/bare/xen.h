/* What ask.c uses of Xen's ABI, for 64-bit guests. Sources: xen/include/public, by file. */
#ifndef XEN_H
#define XEN_H

#include <stdint.h>

/* xen.h: numbers of hypercalls, and domains that have a name. */
enum { MEMORY_OP = 12, GRANT_TABLE_OP = 20, SCHED_OP = 29, EVENT_CHANNEL_OP = 32, HVM_OP = 34 };
#define DOMID_SELF    0x7ff0
#define DOMID_INVALID 0x7ff4

/* xen.h: what a PV domain is started with. */
struct start_info {
    char magic[32];
    uint64_t pages;
    uint64_t shared_info;
    uint32_t flags;
    uint64_t store_mfn;
    uint32_t store_port;
    uint64_t console_mfn;
    uint32_t console_port;
    uint64_t tables, table_frames;
    const uint64_t *mfns;
};

/* io/console.h */
struct console {
    char in[1024];
    char out[2048];
    uint32_t in_cons, in_prod, out_cons, out_prod;
};

/* hvm/hvm_op.h, hvm/params.h */
enum { HVM_GET_PARAM = 1, CONSOLE_PFN = 17, CONSOLE_PORT = 18 };
struct hvm_param {
    uint16_t domid;
    uint32_t index;
    uint64_t value;
};

/* event_channel.h, sched.h */
enum { EVENT_SEND = 4, SCHED_POLL = 3 };
struct sched_poll {
    uint32_t *ports;
    uint32_t entries;
    uint64_t timeout;
};

/* memory.h; the last as xen-patches/ has it */
enum { ADD_TO_PHYSMAP = 7, GET_MFN_FROM_PFN = 29 };
struct add_to_physmap {
    uint16_t domid, size;
    uint32_t space; /* 1: a frame of the grant table */
    uint64_t index, gfn;
};
struct get_mfn_from_pfn {
    uint64_t *list;
    uint32_t entries;
    uint16_t domid;
};

/* grant_table.h, version 1 */
enum { PERMIT_ACCESS = 1, MAP_GRANT_REF = 0, HOST_MAP = 2 };
struct grant_entry {
    uint16_t flags, domid;
    uint32_t frame;
};
struct map_grant_ref {
    uint64_t at;
    uint32_t flags, ref;
    uint16_t domid;
    int16_t status;
    uint32_t handle;
    uint64_t bus;
};

#endif
