//! Bytes that start at a page, as a surface does.

const PAGE: usize = 4096;

/// A buffer that starts at a page.
#[derive(Debug)]
pub struct Aligned {
    /// The bytes, with less than a page before them and after them.
    padded: Vec<u8>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zero bytes.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let padded = vec![0; len + PAGE];
        let start = padded.as_ptr().addr().next_multiple_of(PAGE) - padded.as_ptr().addr();
        Self { padded, start, len }
    }

    /// `len` bytes that differ from their neighbours, the same ones for the same `seed`.
    #[must_use]
    pub fn random(len: usize, seed: u64) -> Self {
        let mut made = Self::zeroed(len);
        // xorshift64*: copies care only that no byte looks like another's.
        let mut state = seed | 1;
        for chunk in made.bytes_mut().chunks_mut(4) {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            let [.., a, b, c, d] = state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip([a, b, c, d]) {
                *byte = random;
            }
        }
        made
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.padded.get(self.start..self.start + self.len).unwrap_or_default()
    }

    /// The bytes, to write.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.padded.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}

// A copied vector starts elsewhere, so neither derives.
impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut copy = Self::zeroed(self.len);
        copy.bytes_mut().copy_from_slice(self.bytes());
        copy
    }
}

impl PartialEq for Aligned {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::Aligned;

    #[test]
    fn clone_is_equal_and_aligned_too() {
        let first = Aligned::random(5000, 7);
        let second = first.clone();
        assert!(first == second && first.bytes().len() == 5000);
        for buffer in [first, second] {
            assert!(buffer.bytes().as_ptr().addr().is_multiple_of(4096));
        }
    }
}
