//! A kernel and a Xen for tests: one domain, whose memory is a file in memory that is really mapped.
//!
//! A frame that is not there is left inaccessible, so that touching it kills the test: nothing may.
#![expect(
    unsafe_code,
    reason = "puts pages into a mapping, as the kernel does, and reads a union of the ABI"
)]
#![expect(clippy::unwrap_used, reason = "a mock that cannot do its work has no other way to say so")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use libxengt_sys as sys;

use super::Xen;
use super::driver::{DomainInfo, Driver, Hypercall, MFN_BATCH};
use super::error::{Errno, SysResult};
use super::map::{Access, Mapping, PAGE};
use crate::addr::DomId;

/// The one domain that lives.
pub(crate) const DOMID: DomId = DomId::new(7);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) frames: u64,
    pub(crate) holes: BTreeSet<u64>,
    /// Frames that are paged out, and how often they are asked for until they are back.
    pub(crate) paged_out: Vec<(u64, u32)>,
    /// Frames that can be mapped, and are gone when their machine frame is asked for.
    pub(crate) vanish: Vec<u64>,
    pub(crate) mfn_extension: bool,
    /// Whether it knows the flag for holes.
    pub(crate) mfn_marks_holes: bool,
    /// The version of domctl that Xen speaks, and the flags of the domain.
    pub(crate) domctl: u32,
    pub(crate) flags: u32,
    /// As Xen 4.18 and before: who asks about a domain that is not there is told of the next one.
    pub(crate) tells_next: bool,
    pub(crate) not_hvm: bool,
    pub(crate) extraversion: Vec<u8>,
    pub(crate) dead: bool,
    /// Errors of the next calls, the last one first.
    pub(crate) fail_next: Vec<i32>,
    pub(crate) fail_always: Option<i32>,
    /// How many calls succeed before one fails, with this error.
    pub(crate) fail_nth: Option<(u32, i32)>,
    /// How many pages of each batch are looked at; the others have the errno that they began with.
    pub(crate) short_batches: Option<usize>,
    /// A frame, and the error of its page.
    pub(crate) page_errno: Option<(u64, i32)>,
    pub(crate) restricted: Option<DomId>,
    pub(crate) hypercalls: u32,
    pub(crate) populates: u32,
    /// How many pages were asked for.
    pub(crate) pages: usize,
    /// Whether it is the domain of whoever asks.
    pub(crate) own: bool,
    pub(crate) bad_mfn_requests: u32,
    /// The ioreq servers and their ranges (type, first, last), where it matters which there are.
    pub(crate) servers: Option<BTreeMap<u16, BTreeSet<[u64; 3]>>>,
    /// Which of them claims writes.
    pub(crate) claimant: Option<u16>,
    /// Device model calls that are refused, and their errors.
    pub(crate) refused_ops: Vec<(u32, i32)>,
    /// What Xen stores in the ioreq page while it does this call: the call, the offset, the bytes.
    pub(crate) arrives: Option<(u32, u64, Vec<u8>)>,
    pub(crate) dm_ops: Vec<(u32, [u64; 3])>,
}

#[derive(Debug, Clone)]
pub(crate) struct MockDriver {
    state: Arc<Mutex<State>>,
    memory: Arc<File>,
    /// The pages that the ioreq servers share.
    ioreq_pages: Arc<File>,
    name: String,
}

pub(super) fn memfd(name: &str, len: u64) -> File {
    let name = CString::new(name).unwrap();
    // SAFETY: the name is a C string that lives for the call.
    let fd = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor is new and nobody else's.
    let file = unsafe { File::from_raw_fd(fd) };
    file.set_len(len).unwrap();
    file
}

impl MockDriver {
    /// A Xen 4.17 without extensions, and a domain with this many frames.
    pub(crate) fn xen(frames: u64) -> (Xen, Self) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("xengt-mock-{}-end", NEXT.fetch_add(1, Ordering::Relaxed));
        let state = State { frames, extraversion: b".7\0".to_vec(), ..State::default() };
        let mock = Self {
            state: Arc::new(Mutex::new(state)),
            memory: Arc::new(memfd(&name, frames.max(1) * 4096)),
            ioreq_pages: Arc::new(memfd(&name, 8 * 4096)),
            name,
        };
        (Xen::on(mock.clone()), mock)
    }

    pub(crate) fn mfn(gfn: u64) -> u64 {
        0x10_0000 + gfn * 3
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn get<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap())
    }

    /// What the guest stores in its memory.
    pub(crate) fn poke(&self, gfn: u64, offset: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, gfn * 4096 + offset).unwrap();
    }

    pub(crate) fn peek(&self, gfn: u64, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.memory.read_exact_at(&mut bytes, gfn * 4096 + offset).unwrap();
        bytes
    }

    /// What Xen stores in the page that server 3 shares.
    pub(crate) fn poke_ioreq(&self, offset: u64, bytes: &[u8]) {
        self.poke_ioreq_of(3, offset, bytes);
    }

    pub(crate) fn poke_ioreq_of(&self, id: u64, offset: u64, bytes: &[u8]) {
        self.ioreq_pages.write_all_at(bytes, id * 4096 + offset).unwrap();
    }

    pub(crate) fn peek_ioreq(&self, offset: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ioreq_pages.read_exact_at(&mut bytes, 3 * 4096 + offset).unwrap();
        bytes
    }

    /// How many maps of its memory this process has.
    pub(crate) fn maps(&self) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(&self.name)).count()
    }

    fn begin(&self, domid: Option<u16>) -> SysResult<std::sync::MutexGuard<'_, State>> {
        let mut state = self.state.lock().unwrap();
        match &mut state.fail_nth {
            Some((0, errno)) => {
                let errno = *errno;
                state.fail_nth = None;
                return Err(Errno(errno));
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if let Some(errno) = state.fail_next.pop().or(state.fail_always) {
            return Err(Errno(errno));
        }
        if state.restricted.is_some_and(|only| domid != Some(only.get())) {
            return Err(Errno(libc::EPERM));
        }
        Ok(state)
    }

    fn place(&self, map: &Mapping, page: usize, file: &File, offset: u64, access: Access) {
        let at = map.page_address(page).unwrap();
        let prot = match access {
            Access::Read => libc::PROT_READ,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        let offset = i64::try_from(offset).unwrap();
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: the page is one of the mapping's, which nobody reads before it is said to be there.
        let done = unsafe { libc::mmap(at.as_ptr().cast(), PAGE, prot, flags, file.as_raw_fd(), offset) };
        assert_ne!(done, libc::MAP_FAILED);
    }
}

impl State {
    fn alive(&self, domid: u16) -> SysResult<()> {
        if domid == DOMID.get() && !self.dead { Ok(()) } else { Err(Errno(libc::ESRCH)) }
    }

    /// What Xen keeps of ioreq servers.
    fn serve(&mut self, op: u32, [head, first, last]: [u64; 3]) -> SysResult<()> {
        let Some(servers) = &mut self.servers else { return Ok(()) };
        let [id0, id1, _, _, kind @ ..] = head.to_le_bytes();
        let (id, range) = (u16::from_le_bytes([id0, id1]), [u32::from_le_bytes(kind).into(), first, last]);
        let none = Errno(libc::ENOENT);
        match op {
            sys::XEN_DMOP_map_io_range_to_ioreq_server => {
                let new = servers.get_mut(&id).ok_or(none)?.insert(range);
                if new { Ok(()) } else { Err(Errno(libc::EEXIST)) }
            }
            sys::XEN_DMOP_unmap_io_range_from_ioreq_server => {
                if servers.get_mut(&id).ok_or(none)?.remove(&range) { Ok(()) } else { Err(none) }
            }
            sys::XEN_DMOP_set_ioreq_server_state => servers.get(&id).map(drop).ok_or(none),
            sys::XEN_DMOP_destroy_ioreq_server => servers.remove(&id).map(drop).ok_or(none),
            sys::XEN_DMOP_map_mem_type_to_ioreq_server if kind == [0; 4] => {
                let had = self.claimant.take_if(|claimant| *claimant == id);
                had.map(drop).ok_or(Errno(libc::EINVAL))
            }
            _ => Ok(()),
        }
    }

    fn is_ram(&self, gfn: u64) -> bool {
        gfn < self.frames && !self.holes.contains(&gfn)
    }

    fn page(&mut self, domid: DomId, gfn: u64) -> SysResult<()> {
        if !(self.own && domid == DomId::SELF) {
            self.alive(domid.get())?;
        }
        if let Some((_, errno)) = self.page_errno.filter(|(bad, _)| *bad == gfn) {
            return Err(Errno(errno));
        }
        if let Some((_, left)) = self.paged_out.iter_mut().find(|(out, left)| *out == gfn && *left > 0) {
            *left -= 1;
            return Err(Errno(libc::ENOENT));
        }
        if self.is_ram(gfn) { Ok(()) } else { Err(Errno(libc::EINVAL)) }
    }
}

impl Driver for MockDriver {
    fn hypercall(&self, call: &mut Hypercall<'_>) -> SysResult<u64> {
        let mut state = self.begin(None)?;
        state.hypercalls += 1;
        match call {
            Hypercall::Version { cmd: sys::XENVER_version, .. } => Ok(4 << 16 | 17),
            Hypercall::Version { cmd, out } => {
                let text: &[u8] = match *cmd {
                    sys::XENVER_extraversion => &state.extraversion,
                    sys::XENVER_capabilities => b"xen-3.0-x86_64 hvm-3.0-x86_64 \0",
                    _ => b"dom0_mem=1G iommu=no-igfx\0",
                };
                out.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
                Ok(0)
            }
            Hypercall::MaximumGpfn { domid } => {
                state.alive(domid.get())?;
                Ok(state.frames - 1)
            }
            Hypercall::ResourceFrames { domid, frames, .. } => {
                state.alive(domid.get())?;
                **frames = 2;
                Ok(0)
            }
            Hypercall::DomainInfo { domid, interface, info } => {
                if *interface != state.domctl {
                    return Err(Errno(libc::EACCES));
                }
                if *domid == 0 {
                    **info = DomainInfo { domain: 0, flags: 0x20 };
                    return Ok(0);
                }
                if !state.tells_next || *domid > DOMID.get() {
                    state.alive(*domid)?;
                }
                **info = DomainInfo { domain: DOMID.get(), flags: state.flags };
                Ok(0)
            }
            Hypercall::MfnsOfGfns { domid, flags, frames } => {
                if !state.mfn_extension {
                    return Err(Errno(libc::ENOSYS));
                }
                if state.mfn_marks_holes && *flags == u32::MAX {
                    return Err(Errno(libc::E2BIG));
                }
                state.alive(*domid)?;
                // One that knows no flags leaks a lock here.
                assert!(*flags == 0 || state.mfn_marks_holes);
                assert!(frames.len() <= MFN_BATCH);
                for at in 0..frames.len() {
                    let gfn = frames[at];
                    if !state.is_ram(gfn) {
                        state.bad_mfn_requests += 1;
                    }
                    if !state.is_ram(gfn) || state.vanish.contains(&gfn) {
                        if *flags != 0 {
                            frames[at] = u64::MAX;
                            continue;
                        }
                        return Err(Errno(libc::EINVAL));
                    }
                    // As Xen does: what comes before the bad frame is already overwritten.
                    frames[at] = Self::mfn(gfn);
                }
                Ok(0)
            }
        }
    }

    fn dm_op(&self, domid: DomId, op: &mut sys::xen_dm_op) -> SysResult<()> {
        let mut state = self.begin(Some(domid.get()))?;
        state.alive(domid.get())?;
        if state.not_hvm {
            return Err(Errno(libc::EINVAL));
        }
        // SAFETY: the union has three words, all of them written by the caller, without padding.
        let words = unsafe { core::mem::transmute_copy::<_, [u64; 3]>(&op.u) };
        state.dm_ops.push((op.op, words));
        if let Some((_, errno)) = state.refused_ops.iter().find(|(refused, _)| *refused == op.op) {
            return Err(Errno(*errno));
        }
        state.serve(op.op, words)?;
        if let Some((_, offset, bytes)) = state.arrives.take_if(|(during, ..)| *during == op.op) {
            self.poke_ioreq(offset, &bytes);
        }
        match op.op {
            sys::XEN_DMOP_create_ioreq_server => {
                op.u.create_ioreq_server =
                    sys::xen_dm_op_create_ioreq_server { handle_bufioreq: 0, pad: [0; 3], id: 3 };
            }
            sys::XEN_DMOP_nr_vcpus => op.u.nr_vcpus = sys::xen_dm_op_nr_vcpus { vcpus: 2 },
            _ => {}
        }
        Ok(())
    }

    fn restrict(&self, domid: DomId) -> SysResult<()> {
        self.begin(None)?.restricted = Some(domid);
        Ok(())
    }

    fn reserve(&self, pages: usize, access: Access) -> SysResult<Mapping> {
        let _state = self.begin(self.get(|state| state.restricted.map(DomId::get)))?;
        let map = Mapping::reserve(&*self.memory, pages, access)?;
        let at = map.page_address(0).unwrap();
        // SAFETY: the range is the new mapping's, of which no page is said to be there.
        let done = unsafe { libc::mprotect(at.as_ptr().cast(), pages * PAGE, libc::PROT_NONE) };
        assert_eq!(done, 0);
        Ok(map)
    }

    fn populate(&self, map: &mut Mapping, first: usize, domid: DomId, gfns: &[u64]) -> SysResult<()> {
        let mut state = self.begin(Some(domid.get()))?;
        state.populates += 1;
        state.pages += gfns.len();
        for (page, gfn) in (first..).zip(gfns) {
            let reached = state.short_batches.is_none_or(|most| page - first < most);
            let result = if reached { state.page(domid, *gfn) } else { Err(Errno(libc::EIO)) };
            if result.is_ok() {
                self.place(map, page, &self.memory, gfn * 4096, map.access());
            }
            // SAFETY: the page was just put there, if it is said so.
            unsafe { map.set_page(page, result) };
        }
        Ok(())
    }

    fn populate_resource(
        &self,
        map: &mut Mapping,
        domid: DomId,
        _kind: u32,
        id: u32,
        frame: u32,
    ) -> SysResult<()> {
        let state = self.begin(Some(domid.get()))?;
        state.alive(domid.get())?;
        assert_eq!((frame, map.len()), (1, 1));
        match &state.servers {
            Some(servers) if !servers.keys().any(|known| u32::from(*known) == id) => {
                return Err(Errno(libc::ENOENT));
            }
            Some(_) => {}
            None => assert_eq!(id, 3),
        }
        self.place(map, 0, &self.ioreq_pages, u64::from(id) * 4096, map.access());
        // SAFETY: the page was just put there.
        unsafe { map.set_page(0, Ok(())) };
        Ok(())
    }
}
