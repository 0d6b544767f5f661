//! See `xengt_fuzz::capi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::capi(data));
