//! PCI configuration space of an Intel integrated GPU.
//!
//! Source: PCI Local Bus 3.0, section 6.1; GMCH graphics control at 0x50 as in the Broadwell PRM, volume 2c,
//! "GGC" (the kernel's `BDW_GMCH_CTRL`).

/// Offset of the GMCH graphics control word, 16 bits.
const GMCH_CTRL: usize = 0x50;
/// What an unprivileged reader of sysfs gets: the standard header only.
const HEADER_LEN: usize = 64;

/// A configuration space that says too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("configuration space of {len} bytes, expected at least {HEADER_LEN}")]
pub struct ConfigError {
    /// How many bytes there are.
    pub len: usize,
}

/// The fields of configuration space this library needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigSpace {
    /// Vendor id: 0x8086 for Intel.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Revision.
    pub revision: u8,
    /// Class, subclass and programming interface: 0x030000 for a VGA controller.
    pub class: u32,
    /// GMCH graphics control, or `None` where only the header was readable (not root).
    pub gmch: Option<u16>,
}

impl ConfigSpace {
    /// Reads the fields out of the bytes of sysfs `config`.
    ///
    /// # Errors
    /// [`ConfigError`] if even the header is cut off.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(ConfigError { len: bytes.len() })?;
        let word = |at: usize| {
            bytes.get(at..).and_then(|tail| tail.first_chunk()).map(|b: &[u8; 2]| u16::from_le_bytes(*b))
        };
        let [vendor_lo, vendor_hi, device_lo, device_hi, _, _, _, _, revision, prog, sub, base, ..] = *header;
        Ok(Self {
            vendor: u16::from_le_bytes([vendor_lo, vendor_hi]),
            device: u16::from_le_bytes([device_lo, device_hi]),
            revision,
            class: u32::from_le_bytes([prog, sub, base, 0]),
            gmch: word(GMCH_CTRL),
        })
    }

    /// Whether the function is a display controller (class 03).
    #[must_use]
    pub const fn is_display(&self) -> bool {
        self.class >> 16 == 0x03
    }

    /// Bytes of graphics address space the GGTT covers, from GGMS in bits 7:6: 2 to the power GGMS, in MB of
    /// 8-byte entries, one per 4 KiB page. `None` if unknown or if the firmware left no GGTT.
    #[must_use]
    pub const fn ggtt_bytes(&self) -> Option<u64> {
        match self.gmch {
            Some(gmch) => match (gmch >> 6) & 3 {
                0 => None,
                ggms => {
                    let table_bytes = (1_u64 << ggms) << 20;
                    Some(table_bytes / 8 * 4096)
                }
            },
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ConfigSpace;

    #[test]
    fn ggms_gives_one_two_or_four_gb() {
        let mut bytes = [0_u8; 256];
        for (ggms, gb) in [(1, 1_u64), (2, 2), (3, 4)] {
            bytes[0x50] = ggms << 6;
            assert_eq!(ConfigSpace::parse(&bytes).unwrap().ggtt_bytes(), Some(gb << 30));
        }
        bytes[0x50] = 0;
        assert_eq!(ConfigSpace::parse(&bytes).unwrap().ggtt_bytes(), None);
    }

    #[test]
    fn a_header_alone_is_enough_for_the_id_and_less_is_refused() {
        let mut bytes = [0_u8; 64];
        bytes[..4].copy_from_slice(&[0x86, 0x80, 0x16, 0x59]);
        bytes[9..12].copy_from_slice(&[0x00, 0x00, 0x03]);
        let config = ConfigSpace::parse(&bytes).unwrap();
        assert_eq!((config.vendor, config.device, config.is_display()), (0x8086, 0x5916, true));
        assert_eq!(config.ggtt_bytes(), None);
        assert!(ConfigSpace::parse(&bytes[..63]).is_err());
    }
}
