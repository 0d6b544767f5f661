//! Numbers as people type addresses.

/// Text that is no number, or one too large for where it goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not an address: give decimal, or hexadecimal after 0x, up to {max:#x}")]
pub struct ParseNumberError {
    /// What was given.
    pub given: String,
    /// The largest number that fits.
    pub max: u64,
}

/// Reads decimal digits, or hexadecimal ones after `0x`, with `_` allowed between digits.
///
/// # Errors
/// [`ParseNumberError`] if `text` is anything else or names a number above `max`.
pub fn parse_u64(text: &str, max: u64) -> Result<u64, ParseNumberError> {
    let refuse = || ParseNumberError { given: text.to_owned(), max };
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None => (text, 10),
    };
    // from_str_radix alone would take a sign, and an underscore is no digit to it.
    let framed = digits.starts_with('_') || digits.ends_with('_') || digits.starts_with('+');
    if framed {
        return Err(refuse());
    }
    let value = u64::from_str_radix(&digits.replace('_', ""), radix).map_err(|_| refuse())?;
    if value <= max { Ok(value) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::parse_u64;

    #[test]
    fn both_bases_are_read_and_everything_else_is_refused() {
        assert_eq!(parse_u64("4096", u64::MAX).unwrap(), 4096);
        assert_eq!(parse_u64("0x1_0000", u64::MAX).unwrap(), 0x1_0000);
        assert_eq!(parse_u64("0xffffffffffffffff", u64::MAX).unwrap(), u64::MAX);
        for bad in ["", "0x", "_1", "1_", "+1", "-1", "0x+1", "1e3", "0x1g", "99999999999999999999", " 1"] {
            assert!(parse_u64(bad, u64::MAX).is_err(), "{bad}");
        }
        assert!(parse_u64("5", 4).is_err());
    }
}
