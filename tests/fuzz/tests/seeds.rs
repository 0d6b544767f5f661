//! Every committed seed, through the body of its target: what was found once stays found.

use std::fs;
use std::path::Path;

fn run_all(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut seeds = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        body(&fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds in {}", folder.display());
    // And what every target must stand whatever its seeds are.
    for length in [0, 1, 7, 8, 9, 63, 64, 4095, 4096, 4097] {
        body(&vec![0; length]);
        body(&vec![0xff; length]);
    }
}

#[test]
fn addresses_seeds_hold() {
    run_all("addresses", xengt_fuzz::addresses);
}

#[test]
fn page_tables_seeds_hold() {
    run_all("page_tables", xengt_fuzz::page_tables);
}

#[test]
fn sysfs_text_seeds_hold() {
    run_all("sysfs_text", xengt_fuzz::sysfs_text);
}

#[test]
fn tiling_seeds_hold() {
    run_all("tiling", xengt_fuzz::tiling);
}

#[test]
fn capi_seeds_hold() {
    run_all("capi", xengt_fuzz::capi);
}

#[test]
fn xenstore_seeds_hold() {
    run_all("xenstore", xengt_fuzz::xenstore);
}

#[test]
fn ioreq_seeds_hold() {
    run_all("ioreq", xengt_fuzz::ioreq);
}
