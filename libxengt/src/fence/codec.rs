//! What a fence register means, both ways.

use super::{FenceError, FenceReg, MAX_PITCH, PITCH_UNIT};
use crate::addr::{GuestGma, HostGma, PAGE_SHIFT, PAGE_SIZE};
use crate::tiling::Tiling;

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::addr::GuestGma {}
    impl Sealed for crate::addr::HostGma {}
}

/// A numbering of the global GTT that a fence's range is given in: [`HostGma`] or [`GuestGma`].
pub trait FenceAddr: Copy + Eq + core::fmt::Debug + sealed::Sealed {
    /// The address in the low bits of `raw`; bits the space does not have are dropped.
    fn from_truncated(raw: u64) -> Self;
    /// The bare number, in bytes.
    fn get(self) -> u64;
}

macro_rules! fence_addr {
    ($addr:ident) => {
        impl FenceAddr for $addr {
            fn from_truncated(raw: u64) -> Self {
                Self::from_truncated(raw)
            }
            fn get(self) -> u64 {
                self.get()
            }
        }
    };
}
fence_addr!(GuestGma);
fence_addr!(HostGma);

/// A range of the global GTT that holds a tiled surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fence<A> {
    /// Where the range starts: a multiple of 4096.
    pub start: A,
    /// Its length in bytes: a multiple of 4096, not zero.
    pub len: u64,
    /// Distance of one row of the surface from the next, in bytes: whole tiles.
    pub pitch: u64,
    /// How the range is tiled.
    pub tiling: Tiling,
}

impl<A: FenceAddr> Fence<A> {
    /// What `register` describes, or `None` if its valid bit is clear.
    ///
    /// # Errors
    /// [`FenceError`] if a valid register has reserved bits set, ends before it starts, or has a pitch that is
    /// not whole tiles.
    pub fn decode(register: FenceReg) -> Result<Option<Self>, FenceError> {
        if !register.valid() {
            return Ok(None);
        }
        let reserved = FenceReg::new().with_reserved_low(0x3ff).with_reserved_high(true);
        let set = u64::from(register) & u64::from(reserved);
        if set != 0 {
            return Err(FenceError::Reserved { register, set });
        }
        let first = u64::from(register.first_page()) << PAGE_SHIFT;
        let last = u64::from(register.last_page()) << PAGE_SHIFT;
        let tiling = if register.y_walk() { Tiling::Y } else { Tiling::X };
        let fence = Self {
            start: A::from_truncated(first),
            len: last.checked_sub(first).ok_or(FenceError::Reversed { first, last })? + PAGE_SIZE,
            pitch: (u64::from(register.pitch_units_minus_one()) + 1) * PITCH_UNIT,
            tiling,
        };
        fence.check_pitch()?;
        Ok(Some(fence))
    }

    /// The register that describes this fence.
    ///
    /// # Errors
    /// [`FenceError`] if the range is empty, not whole pages or leaves the global GTT, or if the pitch is not
    /// whole tiles or too long for the register.
    pub fn encode(&self) -> Result<FenceReg, FenceError> {
        let (start, len) = (self.start.get(), self.len);
        if start % PAGE_SIZE != 0 || len % PAGE_SIZE != 0 {
            return Err(FenceError::Unaligned { start, len });
        }
        let last = len.checked_sub(PAGE_SIZE).and_then(|to_last| start.checked_add(to_last));
        let page = |at: u64| u32::try_from(at >> PAGE_SHIFT).ok();
        let range = FenceError::Range { start, len };
        let first_page = page(start).ok_or(range)?;
        let last_page = last.and_then(page).ok_or(range)?;
        let units = u16::try_from(self.check_pitch()? / PITCH_UNIT - 1);
        FenceReg::new()
            .with_valid(true)
            .with_y_walk(self.tiling == Tiling::Y)
            .with_pitch_units_minus_one_checked(units.map_err(|_| self.bad_pitch())?)
            .map_err(|()| self.bad_pitch())?
            .with_first_page_checked(first_page)
            .and_then(|register| register.with_last_page_checked(last_page))
            .map_err(|()| range)
    }

    /// The address of the range's last byte.
    #[must_use]
    pub fn last(&self) -> A {
        A::from_truncated(self.start.get().saturating_add(self.len.saturating_sub(1)))
    }

    /// Whether the byte at `at` lies in the range.
    #[must_use]
    pub fn contains(&self, at: A) -> bool {
        at.get().checked_sub(self.start.get()).is_some_and(|offset| offset < self.len)
    }

    fn check_pitch(&self) -> Result<u64, FenceError> {
        let whole_tiles = self.pitch.is_multiple_of(self.tiling.width());
        if whole_tiles && (1..=MAX_PITCH).contains(&self.pitch) {
            Ok(self.pitch)
        } else {
            Err(self.bad_pitch())
        }
    }

    fn bad_pitch(&self) -> FenceError {
        FenceError::Pitch { pitch: self.pitch, tiling: self.tiling }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fence, FenceError, FenceReg};
    use crate::addr::{GuestGma, HostGma};
    use crate::tiling::Tiling;

    const WHOLE: Fence<HostGma> =
        Fence { start: HostGma::ZERO, len: 1 << 32, pitch: 256 * 1024, tiling: Tiling::Y };

    fn decode(raw: u64) -> Result<Option<Fence<HostGma>>, FenceError> {
        Fence::decode(FenceReg::from(raw))
    }

    #[test]
    fn whole_ggtt_with_longest_pitch_fills_every_field() {
        let register = WHOLE.encode().unwrap();
        assert_eq!(u64::from(register), 0xffff_f7ff_0000_0003);
        assert_eq!(Fence::decode(register), Ok(Some(WHOLE)));
        assert_eq!(WHOLE.last(), HostGma::MAX);
        assert!(WHOLE.contains(HostGma::MAX));
    }

    #[test]
    fn register_without_valid_bit_decodes_to_none() {
        assert_eq!(decode(0), Ok(None));
        assert_eq!(decode(u64::MAX - 1), Ok(None));
    }

    #[test]
    fn each_reserved_bit_is_refused_and_named() {
        for bit in (2..12).chain([43]) {
            let raw = u64::from(WHOLE.encode().unwrap()) | 1 << bit;
            assert_eq!(
                decode(raw),
                Err(FenceError::Reserved { register: FenceReg::from(raw), set: 1 << bit })
            );
        }
    }

    #[test]
    fn register_that_ends_before_it_starts_is_refused() {
        let register = FenceReg::new().with_valid(true).with_first_page(2).with_last_page(1);
        let register = register.with_pitch_units_minus_one(3);
        assert_eq!(
            Fence::<GuestGma>::decode(register),
            Err(FenceError::Reversed { first: 0x2000, last: 0x1000 })
        );
    }

    #[test]
    fn pitch_of_part_of_an_x_tile_is_refused_both_ways() {
        for units in 1..=2048_u16 {
            let register = FenceReg::new().with_valid(true).with_pitch_units_minus_one(units - 1);
            let decoded = Fence::<HostGma>::decode(register);
            assert_eq!(decoded.is_ok(), units % 4 == 0, "{units}");
            assert!(Fence::<HostGma>::decode(register.with_y_walk(true)).is_ok(), "{units}");
            let fence = Fence { pitch: u64::from(units) * 128, tiling: Tiling::X, ..WHOLE };
            assert_eq!(fence.encode().is_ok(), units % 4 == 0, "{units}");
        }
    }

    #[test]
    fn fences_that_do_not_fit_the_register_are_refused() {
        let range = |start, len| FenceError::Range { start, len };
        let at = |start, len| Fence { start: HostGma::new(start), len, ..WHOLE }.encode();
        assert_eq!(at(0, 0), Err(range(0, 0)));
        assert_eq!(at(0x1000, 1 << 32), Err(range(0x1000, 1 << 32)));
        assert_eq!(at(0, (1 << 32) + 0x1000), Err(range(0, (1 << 32) + 0x1000)));
        assert_eq!(at(0x1000, !0xfff), Err(range(0x1000, !0xfff)));
        assert_eq!(at(1, 0x1000), Err(FenceError::Unaligned { start: 1, len: 0x1000 }));
        assert_eq!(at(0x1000, 0xfff), Err(FenceError::Unaligned { start: 0x1000, len: 0xfff }));
        for pitch in [0, 1, 127, 129, 256 * 1024 + 128, !127] {
            let refused = FenceError::Pitch { pitch, tiling: Tiling::Y };
            assert_eq!(Fence { pitch, ..WHOLE }.encode(), Err(refused), "{pitch}");
        }
    }
}
