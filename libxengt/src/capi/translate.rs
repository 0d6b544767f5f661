//! Where a guest's graphics addresses lead in its memory.
#![expect(unsafe_code, reason = "the C edge: exported names, pointers of the caller")]
#![expect(clippy::missing_safety_doc, reason = "the head of the header says it once for every pointer")]

use core::ffi::c_int;

use zerocopy::{Immutable, IntoBytes};

use super::error::{Failure, answer, invalid_address};
use super::host::{HostHandle, borrow};
use super::out::{Out, Structure};
use super::pointer;
use crate::addr::{Gpa, GuestGma, HostGma, PAGE_SIZE, PpgttAddr};
use crate::error::ErrorKind;
use crate::gtt::{Ggtt, MmuSpec, Ppgtt, Root, Translation, gen8, gen9};
use crate::host::Host;
use crate::inspect::VirtualGgtt;
use crate::platform::Generation;

/// In `flags` of a translation: the GPU may write there.
pub const XENGT_TRANSLATION_WRITABLE: u32 = 1;
/// In `flags` of a translation: `host_gma` is known. It never is for a PPGTT, which has no such number.
pub const XENGT_TRANSLATION_HOST_GMA: u32 = 2;

/// Where one graphics address leads.
#[derive(Debug, Clone, Copy, IntoBytes, Immutable)]
#[repr(C)]
pub struct TranslationInfo {
    /// The address in the guest's physical memory, with the offset in the page.
    pub gpa: u64,
    /// The number that the host has for the graphics address, or 0: see `flags`.
    pub host_gma: u64,
    /// Bytes of the page: 4 KiB, 64 KiB, 2 MiB or 1 GiB.
    pub page_size: u64,
    /// Bytes from the address to the page's end, at least 1.
    pub remaining: u64,
    /// XENGT_TRANSLATION_... bits.
    pub flags: u32,
    /// The page's index into the GPU's private page attribute table, 0 to 7.
    pub ppat: u32,
}

impl Structure for TranslationInfo {
    const NAME: &'static str = "xengt_translation";
    const FIRST_SIZE: usize = 40;
}

const _: () = assert!(size_of::<TranslationInfo>() == TranslationInfo::FIRST_SIZE);

impl TranslationInfo {
    fn new(found: &Translation<Gpa>, host: Option<HostGma>) -> Self {
        let writable = if found.access.writable { XENGT_TRANSLATION_WRITABLE } else { 0 };
        Self {
            gpa: found.addr.get(),
            host_gma: host.map_or(0, HostGma::get),
            page_size: found.page_size.bytes(),
            remaining: found.remaining,
            flags: writable | host.map_or(0, |_| XENGT_TRANSLATION_HOST_GMA),
            ppat: found.access.ppat.get().into(),
        }
    }
}

fn mmu(host: &Host) -> Result<MmuSpec, Failure> {
    Ok(match host.gpu()?.generation()? {
        Generation::Gen8 => gen8::MMU,
        Generation::Gen9 => gen9::MMU,
    })
}

/// Translates an address of the global GTT, as the guest in domain `domid` numbers and maps it. `size` is
/// sizeof(struct xengt_translation).
///
/// Returns 0; -EINVAL if a pointer is NULL, `size` wrong, `domid` not a guest's or the address outside the
/// GGTT; -ENOENT if the domain has no vGPU, the address is outside its window or nothing is mapped there;
/// -EOPNOTSUPP if the kernel does not show guests' tables (ours does, in debugfs) or its module is not
/// loaded, or the GPU cannot be shared; -EACCES without permission; -EIO if the entry or a file makes no
/// sense.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_ggtt_translate(
    host: *const HostHandle,
    domid: u32,
    guest_gma: u64,
    out: *mut TranslationInfo,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let out = unsafe { Out::new("out", out, size) }?;
        let domid = pointer::domid(domid)?;
        let gma = GuestGma::try_new(guest_gma).map_err(invalid_address)?;
        let window = host.control().get(domid)?.window;
        let host_gma = window.map(|window| window.g2h(gma)).transpose()?;
        let table = Ggtt::<GuestGma, _>::new(VirtualGgtt::open(host.root(), domid)?, mmu(host)?);
        out.write(&TranslationInfo::new(&table.translate(gma)?, host_gma));
        Ok(())
    })
}

/// Translates an address of the per-process graphics space whose four levels of tables start at `pml4`, a
/// page's address in the memory of the guest in domain `domid`. `size` is sizeof(struct xengt_translation).
///
/// The tables are the guest's, in its memory, and nothing that is found in them is believed. This version
/// reads the memory of simulated guests alone.
///
/// Returns 0; -EINVAL if a pointer is NULL, `size` wrong, `domid` not a guest's, `pml4` not a page's address
/// of at most 52 bits or `address` wider than 48; -ENOENT if the domain has no vGPU or nothing is mapped
/// there; -EOPNOTSUPP if the host is real, the kernel module is not loaded or the GPU cannot be shared;
/// -EACCES without permission; -EIO if a table cannot be read or an entry makes no sense.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xengt_ppgtt_translate(
    host: *const HostHandle,
    domid: u32,
    pml4: u64,
    address: u64,
    out: *mut TranslationInfo,
    size: usize,
) -> c_int {
    answer(|| {
        // SAFETY: NULL or an open handle, as the header asks.
        let host = unsafe { borrow(host) }?;
        // SAFETY: NULL or room for what is announced, as the header asks.
        let out = unsafe { Out::new("out", out, size) }?;
        let domid = pointer::domid(domid)?;
        let root = Gpa::try_new(pml4).map_err(invalid_address)?;
        if !root.is_aligned(PAGE_SIZE) {
            let text = format!("the PML4 cannot be at {root}: tables start at multiples of {PAGE_SIZE:#x}");
            return Err(Failure::new(ErrorKind::InvalidInput, text));
        }
        let address = PpgttAddr::try_new(address).map_err(invalid_address)?;
        host.control().get(domid)?;
        let sim = host.sim().ok_or_else(|| {
            let text = "on a real host the guest's memory is read through the hypervisor, which comes with \
                        the next release; a simulated host works now";
            Failure::new(ErrorKind::Unsupported, text)
        })?;
        let memory = sim.guest_memory(domid)?;
        let found = Ppgtt::new(&memory, Root::Pml4(root), mmu(host)?).translate(address)?;
        out.write(&TranslationInfo::new(&found, None));
        Ok(())
    })
}
