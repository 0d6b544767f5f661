//! See `xengt_fuzz::sysfs_text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| xengt_fuzz::sysfs_text(data));
