/* SPDX-License-Identifier: MIT */
/* What generate.sh hands to bindgen: Xen's public headers and Linux's, both under the MIT licence. */
#define __XEN_TOOLS__ 1 /* dm_op.h declares itself to tools only */
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/version.h>
#include <xen/memory.h>
#include <xen/event_channel.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/sched.h>
#include <xen/domctl.h>
#include <xen/io/xs_wire.h>
#include <xen/privcmd.h>
#include <xen/evtchn.h>
#include <linux/ioctl.h>

/* domctl is no stable ABI: src/lib.rs has what one probe reads, by hand, and it is checked under these names. */
#define XENGT_DOMCTL_BYTES sizeof(struct xen_domctl)
#define XENGT_DOMCTL_CMD offsetof(struct xen_domctl, cmd)
#define XENGT_DOMCTL_INTERFACE offsetof(struct xen_domctl, interface_version)
#define XENGT_DOMCTL_DOMAIN offsetof(struct xen_domctl, domain)
#define XENGT_DOMCTL_INFO_DOMAIN offsetof(struct xen_domctl, u.getdomaininfo.domain)
#define XENGT_DOMCTL_INFO_FLAGS offsetof(struct xen_domctl, u.getdomaininfo.flags)

/* bindgen does not evaluate macros that call macros; constants it does. */
#define IOCTL(name) static const uint64_t SYS_##name = name
IOCTL(IOCTL_PRIVCMD_HYPERCALL);
IOCTL(IOCTL_PRIVCMD_MMAPBATCH_V2);
IOCTL(IOCTL_PRIVCMD_DM_OP);
IOCTL(IOCTL_PRIVCMD_RESTRICT);
IOCTL(IOCTL_PRIVCMD_MMAP_RESOURCE);
IOCTL(IOCTL_EVTCHN_BIND_INTERDOMAIN);
IOCTL(IOCTL_EVTCHN_UNBIND);
IOCTL(IOCTL_EVTCHN_NOTIFY);
IOCTL(IOCTL_EVTCHN_RESTRICT_DOMID);

static const uint16_t SYS_DOMID_FIRST_RESERVED = DOMID_FIRST_RESERVED;
static const uint16_t SYS_DOMID_INVALID = DOMID_INVALID;
static const uint16_t SYS_HVMMEM_ram_rw = HVMMEM_ram_rw;
static const uint16_t SYS_HVMMEM_ioreq_server = HVMMEM_ioreq_server;
