//! See `xengt_fuzz::xenstore`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::xenstore(data));
