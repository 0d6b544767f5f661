//! See `xengt_fuzz::page_tables`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::page_tables(data));
