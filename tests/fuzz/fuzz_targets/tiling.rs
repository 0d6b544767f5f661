//! See `xengt_fuzz::tiling`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::tiling(data));
