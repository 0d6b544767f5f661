//! The C ABI, for a device model written in C: `include/xengt.h` is made from these files.
//!
//! This is the C edge, one of the three places where `unsafe` lives. It is thin: a function checks its
//! pointers, calls the library, and writes what came out; whatever can be decided without a pointer is
//! decided elsewhere. What the doc comments say is what the header says, so they are written for C.
//!
//! The rules that every function keeps are at the head of the header (`cbindgen.toml`). How they are kept:
//! - A failure becomes its errno and the thread's text in one place, [`error`].
//! - Pointers become references or slots in [`pointer`] and [`out`], which refuse `NULL` by name; a slot is
//!   written by its last line of a function, so nothing is written when anything fails.
//! - Exported names start with `xengt_`, so none is another library's: `#[unsafe(no_mangle)]` is sound.
//! - An unwinding panic would abort at the `extern "C"` boundary; release builds abort at the panic itself.
//!
//! Compiled with the cargo feature `capi`, which `cargo cinstall` sets by itself.

mod control;
mod error;
mod gma;
mod host;
mod out;
mod pointer;
mod translate;
mod types;
mod version;
mod vgpu;

pub use control::{
    xengt_vgpu_create, xengt_vgpu_create_sized, xengt_vgpu_destroy, xengt_vgpu_pause, xengt_vgpu_resume,
};
pub use error::xengt_last_error;
pub use gma::{xengt_gma_g2h, xengt_gma_h2g};
pub use host::{HostHandle, xengt_host_close, xengt_host_open, xengt_host_open_sim};
pub use translate::{
    TranslationInfo, XENGT_TRANSLATION_HOST_GMA, XENGT_TRANSLATION_WRITABLE, xengt_ggtt_translate,
    xengt_ppgtt_translate,
};
pub use types::{
    TypeInfo, XENGT_LIMIT_FENCES, XENGT_LIMIT_HIGH_GM, XENGT_LIMIT_INSTANCES, XENGT_LIMIT_LOW_GM,
    XENGT_TYPE_FITS, XENGT_TYPE_LEFT, xengt_host_types,
};
pub use version::{XENGT_ABI_VERSION, xengt_abi_version};
pub use vgpu::{
    SliceInfo, VgpuInfo, XENGT_FENCES_MAX, XENGT_NAME_SIZE, XENGT_STATE_ACTIVE, XENGT_STATE_PAUSED,
    XENGT_STATE_UNKNOWN, XENGT_VGPU_FENCES, XENGT_VGPU_STATE, XENGT_VGPU_TYPE, XENGT_VGPU_WINDOW,
    xengt_vgpu_get, xengt_vgpu_list,
};
