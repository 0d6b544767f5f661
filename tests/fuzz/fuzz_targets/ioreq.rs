//! See `xengt_fuzz::ioreq`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::ioreq(data));
