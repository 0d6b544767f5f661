//! Domain ids, as Xen and the control protocol number them.

use core::fmt;
use core::str::FromStr;

/// The id of a guest domain that can have a vGPU: 1 to 32751 (0x7fef).
///
/// Domain 0 owns the GPU and never has one; ids from `DOMID_FIRST_RESERVED` (0x7ff0,
/// `xen/include/public/xen.h`) on name no guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomId(u16);

/// A number or word that names no guest domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a guest's domain id: give a whole number from 1 to {}, as `xl list` shows it", DomId::MAX.0)]
pub struct DomIdError {
    /// What was given.
    pub given: String,
}

impl DomId {
    /// Whoever asks (`DOMID_SELF`, `xen/include/public/xen.h`): for the hypervisor edge alone, which gives it to nobody.
    pub(crate) const SELF: Self = Self(0x7ff0);
    /// The last id that can name a guest.
    pub const MAX: Self = Self(0x7fef);

    /// An id known when the program is written.
    ///
    /// # Panics
    /// If `raw` is 0 or reserved; use [`Self::try_new`] for anything that comes from outside.
    #[must_use]
    pub const fn new(raw: u16) -> Self {
        assert!(raw != 0 && raw <= Self::MAX.0, "not a guest's domain id");
        Self(raw)
    }

    /// An id from outside.
    ///
    /// # Errors
    /// [`DomIdError`] if `raw` is 0, reserved or larger.
    pub fn try_new(raw: u64) -> Result<Self, DomIdError> {
        match u16::try_from(raw) {
            Ok(id) if id != 0 && id <= Self::MAX.0 => Ok(Self(id)),
            _ => Err(DomIdError { given: raw.to_string() }),
        }
    }

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for DomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DomId {
    type Err = DomIdError;

    /// Reads plain decimal digits: no sign, no spaces, no prefix, as the kernel's parser does.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || DomIdError { given: text.to_owned() };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        Self::try_new(text.parse().map_err(|_| refuse())?).map_err(|_| refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::DomId;

    #[test]
    fn ids_of_guests_are_accepted_and_all_others_refused() {
        for good in ["1", "7", "32751", "007"] {
            assert!(good.parse::<DomId>().is_ok(), "{good}");
        }
        for bad in
            ["", "0", "-1", "+1", " 1", "1 ", "0x1", "32752", "65536", "18446744073709551617", "one", "1\n"]
        {
            let error = bad.parse::<DomId>().unwrap_err();
            assert_eq!(error.given, bad);
        }
    }
}
