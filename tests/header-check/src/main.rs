//! The bindings against the installed headers, item by item. What it runs is written by `build.rs`.
#![allow(bad_style, unused, clippy::all)]

use libxengt_sys::*;

include!(concat!(env!("OUT_DIR"), "/headers.rs"));
