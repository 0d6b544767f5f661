//! What goes out: slots in the caller's memory, written once and last.
//!
//! A structure goes out as its first `size` bytes, where `size` is what the caller was compiled with: an
//! older caller gets the fields it knows, and what a newer one has beyond them is zeros.
#![expect(unsafe_code, reason = "the C edge: memory of the caller")]

use core::ptr::{self, NonNull};

use zerocopy::{Immutable, IntoBytes};

use super::error::Failure;
use crate::error::ErrorKind;

/// More than any structure will ever have: a larger size is a mistake, not a newer caller.
const MAX_SIZE: usize = 4096;

/// A structure of the ABI. It has no padding (`IntoBytes`), so no byte of ours leaks through it.
pub(super) trait Structure: IntoBytes + Immutable {
    /// Its name in the header.
    const NAME: &'static str;
    /// What `sizeof` gave in version 1 of the ABI: no caller has less.
    const FIRST_SIZE: usize;
}

fn check_size<T: Structure>(size: usize) -> Result<(), Failure> {
    if (T::FIRST_SIZE..=MAX_SIZE).contains(&size) {
        return Ok(());
    }
    let text = format!(
        "{size} is not the size of `struct {name}`: pass sizeof(struct {name}), which is {} here",
        size_of::<T>(),
        name = T::NAME
    );
    Err(Failure::new(ErrorKind::InvalidInput, text))
}

/// Room for one value of a type that never grows.
///
/// # Invariants
/// `to` is valid for one write until the function returns.
pub(super) struct Slot<T> {
    to: NonNull<T>,
}

impl<T> Slot<T> {
    /// The slot at `to`.
    ///
    /// # Safety
    /// `to` is `NULL`, or aligned and valid for one write until the function returns.
    pub(super) unsafe fn new(argument: &str, to: *mut T) -> Result<Self, Failure> {
        // INVARIANT: what is not NULL is valid, as the caller says.
        Ok(Self { to: NonNull::new(to).ok_or_else(|| Failure::null(argument))? })
    }

    pub(super) fn write(self, value: T) {
        // SAFETY: valid for one write, by the invariant.
        unsafe { self.to.write(value) }
    }
}

/// Room for one structure.
///
/// # Invariants
/// `to` is valid for writes of `size` bytes until the function returns.
pub(super) struct Out<T> {
    to: NonNull<T>,
    size: usize,
}

impl<T: Structure> Out<T> {
    /// The room at `to`, of `size` bytes.
    ///
    /// # Safety
    /// `to` is `NULL`, or valid for writes of `size` bytes until the function returns.
    pub(super) unsafe fn new(argument: &str, to: *mut T, size: usize) -> Result<Self, Failure> {
        check_size::<T>(size)?;
        // INVARIANT: what is not NULL is valid, as the caller says.
        Ok(Self { to: NonNull::new(to).ok_or_else(|| Failure::null(argument))?, size })
    }

    pub(super) fn write(self, value: &T) {
        let bytes = value.as_bytes();
        let known = bytes.len().min(self.size);
        let to = self.to.cast::<u8>();
        // SAFETY: `known` is at most the length of `bytes` and at most `size`, for which `to` is valid by the
        // invariant; the caller's memory and ours are apart.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), known) };
        // SAFETY: `known` is at most `size`, so the sum is in the caller's memory or at its end.
        let rest = unsafe { to.add(known) };
        // SAFETY: `to` is valid for `size` bytes, of which these are the last.
        unsafe { rest.write_bytes(0, self.size - known) };
    }
}

/// Room for some structures, and for how many there are.
///
/// # Invariants
/// `first`, if there is one, is valid for writes of `size * capacity` bytes until the function returns.
pub(super) struct OutList<T> {
    first: Option<NonNull<T>>,
    size: usize,
    capacity: usize,
    count: Slot<usize>,
}

impl<T: Structure> OutList<T> {
    /// The room at `first`, for `capacity` structures of `size` bytes each; `NULL` asks for the count alone.
    ///
    /// # Safety
    /// `first` is `NULL`, or valid for writes of `size * capacity` bytes until the function returns; `count`
    /// is `NULL`, or aligned and valid for one write until then.
    pub(super) unsafe fn new(
        first: *mut T,
        size: usize,
        capacity: usize,
        count: *mut usize,
    ) -> Result<Self, Failure> {
        check_size::<T>(size)?;
        // SAFETY: the caller of this function says so.
        let count = unsafe { Slot::new("count", count) }?;
        // INVARIANT: what is not NULL is valid, as the caller says.
        Ok(Self { first: NonNull::new(first), size, capacity, count })
    }

    /// Writes as many as there is room for, and says how many there are.
    pub(super) fn write(self, values: &[T]) {
        if let Some(first) = self.first {
            for (index, value) in values.iter().take(self.capacity).enumerate() {
                // SAFETY: `index` is below `capacity`, so this is inside the caller's memory.
                let to = unsafe { first.cast::<u8>().add(index * self.size) };
                // INVARIANT: the structure at `index` ends at or before `size * capacity`.
                Out { to: to.cast::<T>(), size: self.size }.write(value);
            }
        }
        self.count.write(values.len());
    }
}

#[cfg(test)]
mod tests {
    use zerocopy::{Immutable, IntoBytes};

    use super::{Out, OutList, Structure};

    #[derive(IntoBytes, Immutable)]
    #[repr(C)]
    struct Pair {
        old: u32,
        new: u32,
    }

    impl Structure for Pair {
        const NAME: &'static str = "pair";
        const FIRST_SIZE: usize = 4;
    }

    const PAIR: Pair = Pair { old: 0x1111_1111, new: 0x2222_2222 };

    #[test]
    fn older_callers_get_a_prefix_and_newer_ones_zeros_behind() {
        for (size, expected) in [
            (4, [0x1111_1111, 0xffff_ffff, 0xffff_ffff]),
            (8, [0x1111_1111, 0x2222_2222, 0xffff_ffff]),
            (12, [0x1111_1111, 0x2222_2222, 0]),
        ] {
            let mut room = [0xffff_ffff_u32; 3];
            // SAFETY: the room has at least `size` bytes.
            let out = unsafe { Out::<Pair>::new("out", room.as_mut_ptr().cast(), size) }.unwrap();
            out.write(&PAIR);
            assert_eq!(room, expected, "{size}");
        }
    }

    #[test]
    fn sizes_that_no_caller_has_are_refused() {
        for size in [0, 3, 4097, usize::MAX] {
            let mut room = [0_u32; 2];
            // SAFETY: nothing is written to the room, whose size is refused.
            let refused = unsafe { Out::<Pair>::new("out", room.as_mut_ptr().cast(), size) };
            assert_eq!(refused.err().unwrap().errno(), libc::EINVAL, "{size}");
        }
    }

    #[test]
    fn lists_are_cut_to_the_room_and_counted_whole() {
        for (capacity, expected) in [(0, [9; 6]), (1, [0x1111_1111, 0x2222_2222, 0, 9, 9, 9])] {
            let (mut room, mut count) = ([9_u32; 6], 0);
            // SAFETY: the room has two structures of 12 bytes, and `count` is a local.
            let list =
                unsafe { OutList::<Pair>::new(room.as_mut_ptr().cast(), 12, capacity, &raw mut count) };
            list.unwrap().write(&[PAIR, PAIR]);
            assert_eq!((room, count), (expected, 2), "{capacity}");
        }
    }
}
