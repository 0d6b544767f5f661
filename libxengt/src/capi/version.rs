//! Which ABI this is.
#![expect(unsafe_code, reason = "the C edge: exported names")]

/// The version of the ABI that this header describes.
///
/// It grows by one when something is added. What is there is never changed: a change that breaks callers
/// gives the library another soname instead.
pub const XENGT_ABI_VERSION: u32 = 1;

/// The version of the ABI that the library at hand has: at least XENGT_ABI_VERSION of the header that a
/// caller was compiled with, or functions that the caller knows are missing.
#[unsafe(no_mangle)]
pub extern "C" fn xengt_abi_version() -> u32 {
    XENGT_ABI_VERSION
}
