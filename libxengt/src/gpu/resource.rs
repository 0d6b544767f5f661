//! The text of sysfs `resource`: one line per BAR, `0xSTART 0xEND 0xFLAGS`.
//!
//! Source: `drivers/pci/pci-sysfs.c`, `resource_show`.

use crate::addr::parse_u64;

/// A BAR's place in the machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// First byte.
    pub start: u64,
    /// Length in bytes.
    pub len: u64,
}

/// The region of BAR number `bar`, or `None` if the text has no such line, the line is malformed, or the BAR
/// is not assigned.
#[must_use]
pub fn parse_resource(text: &str, bar: usize) -> Option<Region> {
    let mut fields = text.lines().nth(bar)?.split_ascii_whitespace();
    let mut next = || fields.next().and_then(|field| parse_u64(field, u64::MAX).ok());
    let (start, end, _flags) = (next()?, next()?, next()?);
    let len = end.checked_sub(start)?.checked_add(1)?;
    (end != 0).then_some(Region { start, len })
}

#[cfg(test)]
mod tests {
    use super::{Region, parse_resource};

    #[test]
    fn lines_are_bars_and_what_is_no_bar_is_none() {
        let text = "0xde000000 0xdeffffff 0x140204\n0x0 0x0 0x0\n0xc0000000 0xcfffffff 0x14220c\n0x5 0x4 0x0\nrubbish\n";
        assert_eq!(parse_resource(text, 0), Some(Region { start: 0xde00_0000, len: 16 << 20 }));
        assert_eq!(parse_resource(text, 1), None);
        assert_eq!(parse_resource(text, 2), Some(Region { start: 0xc000_0000, len: 256 << 20 }));
        assert_eq!(parse_resource(text, 3), None);
        assert_eq!(parse_resource(text, 4), None);
        assert_eq!(parse_resource(text, 9), None);
        assert_eq!(parse_resource("0x0 0xffffffffffffffff 0x0", 0), None);
    }
}
