//! Our answers against those of other implementations, byte for byte.

mod gvt;
mod isl;
