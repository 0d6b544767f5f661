//! What sysfs nodes and the control protocol could say: a kernel may be older, newer, broken, or another's.
#![forbid(unsafe_code)]

use std::fmt::{Debug, Display};
use std::fs;
use std::str::FromStr;

use libxengt::addr::{DomId, GuestGma};
use libxengt::control::{Command, Counters, State, Vgpu};
use libxengt::gpu::{ConfigSpace, parse_resource};
use libxengt::p2m::P2m;
use libxengt::pvinfo::Pvinfo;
use libxengt::root::Root;
use libxengt::window::{Slice, Window};

/// The nodes of one vGPU, in the order in which the input gives them, split at zero bytes.
const NODES: [&str; 8] = ["vgpu_id", "type", "aperture", "hidden", "fences", "state", "domid", "stats"];

/// Text is refused, or read as something that is written and read back the same and keeps its promises.
pub fn sysfs_text(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    match choice % 4 {
        0 => nodes(data),
        1 => binary(data),
        _ => text(&String::from_utf8_lossy(data)),
    }
}

fn text(text: &str) {
    round_trip::<Command>(text);
    round_trip::<State>(text);
    if let Some(map) = round_trip::<P2m>(text) {
        for run in map.runs() {
            assert_eq!(map.mfn(run.gfn), Some(run.mfn));
            let last = run.gfn.checked_add(run.count - 1).expect("runs end inside the space");
            assert_eq!(map.mfn(last), run.mfn.checked_add(run.count - 1));
        }
    }
    for bar in 0..8 {
        if let Some(region) = parse_resource(text, bar) {
            let last = region.start.checked_add(region.len - 1).expect("BARs end inside the space");
            let line = format!("{}{:#x} {last:#x} 0x0", "\n".repeat(bar), region.start);
            assert_eq!(parse_resource(&line, bar), Some(region));
        }
    }
}

fn round_trip<T: FromStr + Display + Debug + PartialEq>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    assert!(value.to_string().parse::<T>().is_ok_and(|again| again == value), "{text:?} became {value}");
    Some(value)
}

fn binary(data: &[u8]) {
    if let Ok(config) = ConfigSpace::parse(data) {
        assert!(data.len() >= 64);
        assert!(config.ggtt_bytes().is_none_or(|bytes| bytes.is_power_of_two() && bytes <= 4 << 30));
    }
    // A page that is too short is refused; the fuzzer's inputs are shorter, so the rest is zeros.
    let mut page = data.to_vec();
    page.resize(libxengt::pvinfo::PAGE_BYTES.max(data.len()), 0);
    if let Ok(info) = Pvinfo::parse(&page) {
        assert_eq!(Pvinfo::parse(&info.to_bytes()), Ok(info));
        if let Ok(window) = info.ballooned_window() {
            check_window(&window);
        }
    }
}

fn nodes(data: &[u8]) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Root::at(dir.path());
    let domid = DomId::new(7);
    let vm = root.vm(domid);
    fs::create_dir_all(&vm).expect("a directory in it");
    for (name, content) in NODES.iter().zip(data.split(|byte| *byte == 0)) {
        // A node that is only "-" is one that this kernel does not have.
        if content != b"-" {
            fs::write(vm.join(name), content).expect("a file in it");
        }
    }
    if let Ok(Some(counters)) = Counters::read(&root, domid) {
        for (name, value) in counters.iter() {
            assert!(!name.chars().any(char::is_control) && counters.get(name) == Some(value));
        }
    }
    if let Ok(vgpu) = Vgpu::read(&root, domid) {
        let vgpu = vgpu.expect("its directory is there");
        assert!((1..=7).contains(&vgpu.id) && vgpu.domid == domid);
        assert!(vgpu.fences.is_none_or(|fences| fences.len() <= 32));
        if let Some(window) = vgpu.window {
            check_window(&window);
        }
    }
}

fn check_window(window: &Window) {
    for slice in [window.aperture(), window.hidden()] {
        check_slice(window, slice);
    }
}

fn check_slice(window: &Window, slice: &Slice) {
    let last = slice.size() - 1;
    for offset in [0, last / 2, last] {
        let guest = slice.guest_base().checked_add(offset).expect("windows end inside the space");
        let host = window.g2h(guest).expect("it lies in the window");
        assert_eq!((host.offset_from(slice.host_base()), window.h2g(host)), (Some(offset), Ok(guest)));
    }
    let after = slice.guest_base().get() + slice.size();
    let other = [window.aperture(), window.hidden()].map(|slice| slice.guest_base().get());
    if let (Ok(after), false) = (GuestGma::try_new(after), other.contains(&after)) {
        assert!(window.g2h(after).is_err(), "{after:?} is past the end");
    }
}
