//! What a caller passes in: strings, paths, numbers.
#![expect(unsafe_code, reason = "the C edge: pointers of the caller")]

use core::ffi::{CStr, c_char};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::error::{Failure, invalid_domid};
use crate::addr::DomId;
use crate::error::ErrorKind;

/// The path in `text`: bytes, as paths are.
///
/// # Safety
/// `text` is `NULL` or a C string that stays as it is for `'a`.
pub(super) unsafe fn path<'a>(argument: &str, text: *const c_char) -> Result<Option<&'a Path>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so the caller says that it is a C string.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    if bytes.is_empty() {
        return Err(Failure::new(
            ErrorKind::InvalidInput,
            format!("the path `{argument}` is empty: give a directory"),
        ));
    }
    Ok(Some(Path::new(OsStr::from_bytes(bytes))))
}

/// The UTF-8 text in `text`.
///
/// # Safety
/// `text` is `NULL` or a C string that stays as it is for `'a`.
pub(super) unsafe fn utf8<'a>(argument: &str, text: *const c_char) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so the caller says that it is a C string.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => {
            Err(Failure::new(ErrorKind::InvalidInput, format!("the argument `{argument}` is not UTF-8")))
        }
    }
}

/// A guest's domain id.
pub(super) fn domid(raw: u32) -> Result<DomId, Failure> {
    DomId::try_new(raw.into()).map_err(invalid_domid)
}
