//! Compiles isl's tile copies, if somebody has fetched them.
//!
//! `tests/opponents/fetch-isl.sh` fetches them and prints the directory for `XENGT_ISL_DIR`. Without it the
//! crate builds all the same and says that isl is not there.

use std::path::PathBuf;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(have_isl)");
    println!("cargo::rerun-if-env-changed=XENGT_ISL_DIR");
    println!("cargo::rerun-if-changed=shim");
    let Some(dir) = std::env::var_os("XENGT_ISL_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from) else {
        return;
    };
    println!("cargo::rerun-if-changed={}", dir.display());
    let build = |file: &str, flags: &[&str]| {
        let mut build = cc::Build::new();
        build.file(dir.join(file)).include("shim").include(&dir).warnings(false);
        // Mesa's release builds use -O3; a debug build of ours must not slow the competitor down.
        build.opt_level(3).debug(false).define("NDEBUG", None);
        for flag in flags {
            build.flag(flag);
        }
        build.compile(&file.replace(".c", ""));
    };
    build("isl_tiled_memcpy_normal.c", &["-msse2"]);
    build("isl_tiled_memcpy_sse41.c", &["-msse4.1", "-include", "smmintrin.h"]);
    println!("cargo::rustc-cfg=have_isl");
}
