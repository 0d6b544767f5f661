//! See `xengt_fuzz::addresses`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::addresses(data));
