//! Halves of words and lengths, without casts.
#![forbid(unsafe_code)]

/// The low half of a 64-bit word.
#[must_use]
#[inline]
pub const fn low(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The high half of a 64-bit word.
#[must_use]
#[inline]
pub const fn high(word: u64) -> u32 {
    let [.., a, b, c, d] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// A 64-bit word of its halves.
#[must_use]
#[inline]
pub fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The low half of a 32-bit word, as registers pair coordinates.
#[must_use]
#[inline]
pub const fn low16(word: u32) -> u16 {
    let [a, b, ..] = word.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// The high half of a 32-bit word.
#[must_use]
#[inline]
pub const fn high16(word: u32) -> u16 {
    let [.., a, b] = word.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// A number as an index; one that does not fit is larger than anything that is indexed.
#[must_use]
#[inline]
pub fn index(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(usize::MAX)
}

/// A length as a 64-bit number.
#[must_use]
#[inline]
pub fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// `value` written through a mask in its upper half: the register's low half changes where the mask is set.
#[must_use]
#[inline]
pub const fn masked(old: u32, value: u32) -> u32 {
    let mask = value >> 16;
    (old & !mask & 0xffff) | (value & mask)
}

#[cfg(test)]
mod tests {
    use super::{high, high16, join, low, low16, masked};

    #[test]
    fn halves_join_to_the_word_they_came_from() {
        let word = 0x0123_4567_89ab_cdef;
        assert_eq!((high(word), low(word)), (0x0123_4567, 0x89ab_cdef));
        assert_eq!(join(low(word), high(word)), word);
        assert_eq!((high16(0xdead_beef), low16(0xdead_beef)), (0xdead, 0xbeef));
    }

    #[test]
    fn a_masked_write_changes_only_what_its_upper_half_names() {
        assert_eq!(masked(0x00f0, 0x0003_0001), 0x00f1);
        assert_eq!(masked(0x00ff, 0x000f_0000), 0x00f0);
        assert_eq!(masked(0xffff_0000, 0), 0, "the upper half is never stored");
    }
}
