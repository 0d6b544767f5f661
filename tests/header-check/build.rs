//! Writes the comparison: sizes, offsets, types and constants of the bindings against the headers.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let sys = PathBuf::from("../../libxengt/sys");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    // As generate.sh: Linux's privcmd.h includes the kernel's name of xen/xen.h.
    let shim = out.join("shim/xen/interface");
    fs::create_dir_all(&shim).expect("OUT_DIR is writable");
    fs::write(shim.join("xen.h"), "#include <xen/xen.h>\n").expect("OUT_DIR is writable");

    let mut cfg = ctest::TestGenerator::new();
    cfg.header("wrapper.h").include(&sys).include(out.join("shim"));
    // Plain C names: the bindings have them without `struct`.
    cfg.rename_struct_ty(|name| Some(format!("struct {name}")));
    cfg.alias_is_c_enum(|name| name == "xsd_sockmsg_type");
    cfg.rename_struct_field(|_, field| field.ident().strip_suffix('_').map(str::to_owned));
    // The union inside xen_dm_op has no name in C, and `bits` is a bit field there: their members are checked one by
    // one, and the size of what holds them with it.
    cfg.skip_union(|union| union.ident().contains("__bindgen"));
    cfg.skip_struct_field(|of, field| of.ident() == "ioreq" && field.ident() == "bits");
    cfg.skip_struct_field_type(|of, field| of.ident() == "xen_dm_op" && field.ident() == "u");
    // Not in the headers: the extension that Qubes and our series add, and bindgen's names.
    cfg.skip_struct(|item| {
        item.ident() == "xen_get_mfn_from_pfn" || item.ident().starts_with("__guest_handle")
    });
    cfg.skip_const(|item| item.ident().starts_with("XENMEM_get_mfn_"));
    cfg.skip_struct_field_type(|of, field| {
        of.ident() == "xen_mem_acquire_resource" && field.ident() == "frame_list"
    });
    ctest::generate_test(&mut cfg, sys.join("src/lib.rs"), "headers.rs").expect("the bindings parse");
    println!("cargo::rerun-if-changed={}", sys.display());
}
