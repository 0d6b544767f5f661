/*
 * A kernel for PV and PVH domains that asks Xen for what it must not have, and says on its console what it got. Linux
 * cannot be asked to: its privcmd refuses hypercalls of a domain that is not dom0.
 *
 * As PVH it also grants a page to the domain after it, and maps what the domain before it grants: of two that are
 * started one after the other, the second has a frame that is the first one's.
 */
#include "xen.h"

/* Beyond the memory of domains as small as this. */
#define GRANT_TABLE_GFN 0x20000
#define MAPPED_GFN      0x20001
/* The first ones are the console's and xenstore's. */
#define REF 8

static uint64_t granted[512] __attribute__((aligned(4096)));

static volatile struct console *console;
static uint32_t console_port;

extern char hypercall_page[];

static long hypercall(unsigned number, uint64_t one, const volatile void *two, uint64_t three)
{
    register uint64_t r10 __asm__("r10") = 0;
    char *entry = hypercall_page + number * 32;
    long result;

    __asm__ volatile("call *%1"
                     : "=a"(result), "+r"(entry), "+D"(one), "+S"(two), "+d"(three), "+r"(r10)
                     :
                     : "rcx", "r8", "r9", "r11", "memory", "cc");
    return result;
}

static void say(const char *text)
{
    for ( ; *text; text++ )
    {
        uint32_t at = console->out_prod;

        /* Who reads it is a daemon of dom0. */
        while ( at - console->out_cons >= sizeof(console->out) )
            __asm__ volatile("pause" ::: "memory");
        console->out[at % sizeof(console->out)] = *text;
        __asm__ volatile("" ::: "memory");
        console->out_prod = at + 1;
    }
    hypercall(EVENT_CHANNEL_OP, EVENT_SEND, &console_port, 0);
}

static void say_number(long number)
{
    char digits[24], *at = digits + sizeof(digits) - 1;
    unsigned long rest = number < 0 ? -(unsigned long)number : (unsigned long)number;

    *at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while ( rest /= 10 );
    if ( number < 0 )
        *--at = '-';
    say(at);
}

static void say_result(const char *what, long number)
{
    say("ask: ");
    say(what);
    say(": ");
    say_number(number);
    say("\n");
}

static uint64_t hvm_param(uint32_t index)
{
    struct hvm_param param = { .domid = DOMID_SELF, .index = index };

    hypercall(HVM_OP, HVM_GET_PARAM, &param, 0);
    return param.value;
}

/* Where the console is. In both kinds an address is the frame's number times its size. */
static void find_console(const struct start_info *pv)
{
    uint64_t gfn = 0;

    if ( pv )
        while ( gfn < pv->pages && pv->mfns[gfn] != pv->console_mfn )
            gfn++;
    else
        gfn = hvm_param(CONSOLE_PFN);
    console = (volatile struct console *)(gfn << 12);
    console_port = pv ? pv->console_port : (uint32_t)hvm_param(CONSOLE_PORT);
}

static long get_mfn(uint16_t domid, uint32_t entries)
{
    uint64_t list[1] = { 0x100 };
    struct get_mfn_from_pfn op = { .list = list, .entries = entries, .domid = domid };

    return hypercall(MEMORY_OP, GET_MFN_FROM_PFN, &op, 0);
}

static uint16_t own_domid(void)
{
    uint32_t eax = 0x40000004, ebx, ecx = 0, edx;

    /* arch-x86/cpuid.h: in ECX, if bit 4 of EAX says so. */
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return eax & (1 << 4) ? (uint16_t)ecx : DOMID_INVALID;
}

static void grants(void)
{
    uint16_t own = own_domid();
    volatile struct grant_entry *table = (volatile struct grant_entry *)((uint64_t)GRANT_TABLE_GFN << 12);
    struct add_to_physmap add = { .domid = DOMID_SELF, .space = 1, .gfn = GRANT_TABLE_GFN };
    struct map_grant_ref map = {
        .at = (uint64_t)MAPPED_GFN << 12, .flags = HOST_MAP, .ref = REF, .domid = (uint16_t)(own - 1),
    };

    say_result("own domid", own);
    say_result("grant table", hypercall(MEMORY_OP, ADD_TO_PHYSMAP, &add, 0));
    granted[0] = own;
    table[REF].domid = (uint16_t)(own + 1);
    table[REF].frame = (uint32_t)((uint64_t)granted >> 12);
    __asm__ volatile("" ::: "memory");
    table[REF].flags = PERMIT_ACCESS;
    say_result("granted frame", (long)((uint64_t)granted >> 12));

    say_result("map", hypercall(GRANT_TABLE_OP, MAP_GRANT_REF, &map, 1));
    say_result("map status", map.status);
    if ( !map.status )
    {
        say_result("mapped frame", MAPPED_GFN);
        say_result("page of domain", (long)*(volatile uint64_t *)map.at);
    }
}

__attribute__((noreturn)) void ask(const struct start_info *pv)
{
    struct sched_poll nothing = { 0 };

    find_console(pv);
    say(pv ? "ask: PV\n" : "ask: PVH\n");
    say_result("of itself", get_mfn(DOMID_SELF, 1));
    say_result("of dom0", get_mfn(0, 1));
    say_result("of nobody", get_mfn(DOMID_INVALID, ~0U));
    if ( !pv )
        grants();
    say("ask: end\n");
    /* Not a block, which would let events in, and nothing here takes them. */
    for ( ; ; )
        hypercall(SCHED_OP, SCHED_POLL, &nothing, 0);
}
