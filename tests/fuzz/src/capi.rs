//! Calls of the C ABI in any order, with any arguments that C can pass, on a simulated host.
#![expect(unsafe_code, reason = "it calls as C does")]

use std::ffi::{CStr, CString, c_int};
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::OnceLock;

use libxengt::capi::{
    HostHandle, TranslationInfo, TypeInfo, VgpuInfo, XENGT_STATE_ACTIVE, xengt_ggtt_translate, xengt_gma_g2h,
    xengt_gma_h2g, xengt_host_close, xengt_host_open, xengt_host_open_sim, xengt_host_types,
    xengt_last_error, xengt_ppgtt_translate, xengt_vgpu_create, xengt_vgpu_create_sized, xengt_vgpu_destroy,
    xengt_vgpu_get, xengt_vgpu_list, xengt_vgpu_pause, xengt_vgpu_resume,
};

use crate::input::Input;

/// What no call has written.
const PAINT: u8 = 0xa5;
/// Bytes of room for what goes out: sizes up to here are used as they come.
const ROOM: usize = 640;
/// Calls of one input; more say nothing new and take time.
const CALLS: usize = 16;

/// Whatever is called with whatever: it returns 0 or a negative errno with a text, a failed call writes
/// nothing, and a call that succeeds writes no byte beyond the room that was announced.
pub fn capi(data: &[u8]) {
    let mut input = Input::new(data);
    let mut host = open(&mut input);
    // Making a vGPU draws a guest and takes a thousand times as long as any other call: few inputs may, and
    // not those that the fuzzer derives from one that may.
    let mut changes = if hash(data).is_multiple_of(128) { 2 } else { 0 };
    let mut changed = false;
    for _ in 0..CALLS {
        if input.is_empty() {
            break;
        }
        let choice = input.u8() % 12;
        if choice >= 9 {
            if changes == 0 {
                continue;
            }
            changes -= 1;
            changed = true;
        }
        call(choice, host, &mut input);
        if input.u8() == 0xff {
            // SAFETY: `open` gave it, and here it is closed once.
            unsafe { xengt_host_close(host) };
            host = open(&mut input);
        }
    }
    // SAFETY: as above.
    unsafe { xengt_host_close(host) };
    if changed {
        restore(sim());
    }
}

/// FNV-1a.
fn hash(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// A handle, or now and then none at all.
fn open(input: &mut Input<'_>) -> *mut HostHandle {
    let mut host = ptr::null_mut();
    let root = c_path(sim());
    // SAFETY: a C string and a local's place.
    let result = match input.u8() % 8 {
        0 => return host,
        1 => unsafe { xengt_host_open_sim(root.as_ptr(), &raw mut host) },
        _ => unsafe { xengt_host_open(root.as_ptr(), &raw mut host) },
    };
    assert!(result == 0 && !host.is_null(), "{result}: {}", last_error());
    host
}

fn call(choice: u8, host: *mut HostHandle, input: &mut Input<'_>) {
    let domid = domid(input);
    match choice {
        // SAFETY, of all of them: `host` is NULL or open, `out` has the room that is announced or is NULL,
        // texts end in NUL.
        0 => structure(input, |out: *mut VgpuInfo, size| unsafe { xengt_vgpu_get(host, domid, out, size) }),
        1 => {
            let gma = address(input);
            structure(input, |out: *mut TranslationInfo, size| unsafe {
                xengt_ggtt_translate(host, domid, gma, out, size)
            });
        }
        2 => {
            let (pml4, address) = (address(input), address(input));
            structure(input, |out: *mut TranslationInfo, size| unsafe {
                xengt_ppgtt_translate(host, domid, pml4, address, out, size)
            });
        }
        3 => {
            list(input, |out: *mut TypeInfo, size, capacity, count| unsafe {
                xengt_host_types(host, out, size, capacity, count)
            });
        }
        4 => {
            list(input, |out: *mut VgpuInfo, size, capacity, count| unsafe {
                xengt_vgpu_list(host, out, size, capacity, count)
            });
        }
        5 => {
            let gma = address(input);
            number(input, |out| unsafe { xengt_gma_g2h(host, domid, gma, out) });
        }
        6 => {
            let gma = address(input);
            number(input, |out| unsafe { xengt_gma_h2g(host, domid, gma, out) });
        }
        7 => inverse(host, domid, address(input)),
        8 => {
            let mut bad = ptr::null_mut();
            let path = c_string(&input.array::<6>());
            // Under a file, where not even root can make anything.
            let path = [b"/dev/null/".as_slice(), path.as_bytes()].concat();
            let path = c_string(&path);
            // SAFETY: a C string and a local's place.
            let result = unsafe { xengt_host_open_sim(path.as_ptr(), &raw mut bad) };
            assert!(result < 0 && bad.is_null(), "{path:?}: {result}");
            check(result);
        }
        9 => {
            let name = c_string(&name(input));
            let name = if input.u8().is_multiple_of(4) { ptr::null() } else { name.as_ptr() };
            structure(input, |out: *mut VgpuInfo, size| unsafe {
                xengt_vgpu_create(host, domid, name, out, size)
            });
        }
        10 => {
            let sizes = [32 << (input.u8() % 8), input.u8().into(), u32::from(input.u8() % 8)];
            structure(input, |out: *mut VgpuInfo, size| unsafe {
                xengt_vgpu_create_sized(host, domid, sizes[0], sizes[1], sizes[2], out, size)
            });
        }
        _ => {
            let verb = match input.u8() % 3 {
                0 => xengt_vgpu_destroy,
                1 => xengt_vgpu_pause,
                _ => xengt_vgpu_resume,
            };
            // SAFETY: `host` is NULL or open.
            check(unsafe { verb(host, domid) });
        }
    }
}

/// What every call returns.
fn check(result: c_int) {
    assert!((-200..=0).contains(&result), "{result} is no errno");
    assert!(result == 0 || !last_error().is_empty(), "{result} without a reason");
}

fn last_error() -> String {
    // SAFETY: a C string that is valid until this thread's next call.
    let text = unsafe { CStr::from_ptr(xengt_last_error()) };
    text.to_str().expect("the text is UTF-8").to_owned()
}

/// One structure of any announced size, or no place for it.
fn structure<T>(input: &mut Input<'_>, call: impl FnOnce(*mut T, usize) -> c_int) {
    let size = size::<T>(input);
    let mut room = Room::new();
    let null = input.u8().is_multiple_of(16);
    let result = call(if null { ptr::null_mut() } else { room.place() }, size.min(ROOM));
    check(result);
    room.check(if result == 0 { size } else { 0 });
}

/// Structures of any announced size, as many as there is room for.
fn list<T>(input: &mut Input<'_>, call: impl FnOnce(*mut T, usize, usize, *mut usize) -> c_int) {
    let size = size::<T>(input).min(ROOM);
    let capacity = (ROOM / size.max(1)).min(usize::from(input.u8()));
    let mut room = Room::new();
    let how = input.u8();
    let first = if how.is_multiple_of(16) { ptr::null_mut() } else { room.place() };
    let mut count = usize::MAX;
    let place = if how & 15 == 1 { ptr::null_mut() } else { &raw mut count };
    let result = call(first, size, capacity, place);
    check(result);
    room.check(if result == 0 { size * capacity } else { 0 });
    assert_eq!(count == usize::MAX, result != 0);
    assert!(result != 0 || count <= 7, "{count}");
}

fn number(input: &mut Input<'_>, call: impl FnOnce(*mut u64) -> c_int) {
    let null = input.u8().is_multiple_of(16);
    let mut out = u64::MAX;
    let result = call(if null { ptr::null_mut() } else { &raw mut out });
    check(result);
    assert_eq!(out == u64::MAX, result != 0);
}

/// What translates comes back.
fn inverse(host: *mut HostHandle, domid: u32, gma: u64) {
    let (mut there, mut back) = (0, 0);
    // SAFETY: `host` is NULL or open, and the numbers are locals.
    if unsafe { xengt_gma_g2h(host, domid, gma, &raw mut there) } == 0 {
        // SAFETY: as above.
        assert_eq!(unsafe { xengt_gma_h2g(host, domid, there, &raw mut back) }, 0, "{}", last_error());
        assert_eq!(back, gma);
    }
}

/// Painted memory, aligned as C would have it.
#[repr(align(16))]
struct Room([MaybeUninit<u8>; ROOM]);

impl Room {
    fn new() -> Self {
        Self([MaybeUninit::new(PAINT); ROOM])
    }

    fn place<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }

    /// Nothing is written from `from` on.
    fn check(&self, from: usize) {
        for (at, byte) in self.0.iter().enumerate().skip(from) {
            // SAFETY: painted when made, and only ever written since.
            assert_eq!(unsafe { byte.assume_init() }, PAINT, "byte {at} is written");
        }
    }
}

/// Mostly what C announces; sometimes anything.
fn size<T>(input: &mut Input<'_>) -> usize {
    match input.u8() {
        how @ 0..8 => usize::from(input.u16()) >> how,
        8..16 => size_of::<T>() + usize::from(input.u8()),
        _ => size_of::<T>(),
    }
}

fn domid(input: &mut Input<'_>) -> u32 {
    match input.u8() {
        how @ 0..16 => u32::from(how),
        16 => u32::from(input.u16()) << 8 | u32::from(input.u8()),
        17 => u32::MAX,
        _ => 1,
    }
}

/// Anything, or near the places where a simulated guest has something.
fn address(input: &mut Input<'_>) -> u64 {
    const PLACES: [u64; 8] =
        [0, 0x10_0000, 0x20_0000, 0x40_0000, 0x80_0000, 0x4000_0000, 0x0800_0000, 0x1000_0000];
    match input.u8() {
        how @ 0..128 => PLACES[usize::from(how % 8)] + (u64::from(input.u16()) << (how >> 5)),
        _ => input.u64(),
    }
}

fn name(input: &mut Input<'_>) -> Vec<u8> {
    const NAMES: [&[u8]; 6] = [b"8", b"GVTg_V5_8", b"i915-GVTg_V5_4", b"_1", b"GVTg_V4_8", b""];
    let how = usize::from(input.u8());
    NAMES.get(how % 8).map_or_else(|| input.array::<9>().to_vec(), |name| name.to_vec())
}

/// The bytes up to the first NUL.
fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes.split(|byte| *byte == 0).next().unwrap_or_default()).expect("cut at the NUL")
}

fn c_path(path: &Path) -> CString {
    c_string(path.as_os_str().as_bytes())
}

/// The host of this process, with one vGPU, of domain 1.
fn sim() -> &'static Path {
    static SIM: OnceLock<PathBuf> = OnceLock::new();
    SIM.get_or_init(|| {
        remove_leftovers();
        let dir = parent().join(format!("{PREFIX}{}", std::process::id()));
        restore(&dir);
        // SAFETY: the function stays for as long as the process, and takes nothing.
        assert_eq!(unsafe { atexit(remove_ours) }, 0);
        dir
    })
}

unsafe extern "C" {
    fn atexit(function: extern "C" fn()) -> c_int;
}

extern "C" fn remove_ours() {
    // What cannot be removed now, the next process removes.
    let _left = fs::remove_dir_all(sim());
}

const PREFIX: &str = "xengt-fuzz-capi-";

/// Where there is memory that plays a disk, nobody waits for a real one.
fn parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Makes the host what every input expects: domain 1 has a running vGPU, the first, and no other has one.
fn restore(dir: &Path) {
    let (path, mut host) = (c_path(dir), ptr::null_mut());
    // SAFETY: a C string and a local's place.
    let opened = unsafe { xengt_host_open_sim(path.as_ptr(), &raw mut host) };
    assert_eq!(opened, 0, "{}", last_error());
    let (mut vgpus, mut count) = ([const { MaybeUninit::<VgpuInfo>::uninit() }; 8], 0);
    let (first, size) = (vgpus.as_mut_ptr().cast(), size_of::<VgpuInfo>());
    // SAFETY: an open handle, room for eight, and a local's place.
    let listed = unsafe { xengt_vgpu_list(host, first, size, vgpus.len(), &raw mut count) };
    assert_eq!(listed, 0, "{}", last_error());
    let mut there = false;
    for vgpu in vgpus.iter().take(count) {
        // SAFETY: the list has written so many.
        let vgpu = unsafe { vgpu.assume_init_ref() };
        if (vgpu.domid, vgpu.id, vgpu.state) == (1, 1, XENGT_STATE_ACTIVE) {
            there = true;
            continue;
        }
        // SAFETY: an open handle.
        let gone = unsafe { xengt_vgpu_destroy(host, vgpu.domid) };
        assert_eq!(gone, 0, "{}", last_error());
    }
    if !there {
        let room = vgpus.as_mut_ptr().cast();
        // SAFETY: an open handle, and room for what is announced.
        let made = unsafe { xengt_vgpu_create(host, 1, ptr::null(), room, size) };
        assert_eq!(made, 0, "{}", last_error());
    }
    // SAFETY: opened above, closed once.
    unsafe { xengt_host_close(host) };
}

/// What a process that was killed has left, its successor removes.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(parent()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()) {
            // What cannot be removed is another user's, or somebody else is at it.
            let _left = fs::remove_dir_all(entry.path());
        }
    }
}
