//! The whole way: a client's memory, rings and contexts, and an interrupt at the end.

use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use igd_model::device::Device;
use igd_model::server::{Options, Server, ServerError};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};

use crate::client::{Client, control, serve, serve_device, words};
use crate::machine::file;

const MEMORY: u64 = 0x4000_0000;
const RCS: u64 = 0x2000;

fn wait_for_message(file: &OwnedFd) -> u64 {
    let timeout = Timespec::try_from(Duration::from_secs(20)).unwrap();
    rustix::event::poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&timeout)).unwrap();
    let mut count = [0; 8];
    rustix::io::read(file, &mut count).map_or(0, |_| u64::from_ne_bytes(count))
}

#[test]
fn a_driver_submits_a_context_and_is_interrupted() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    let memory = file(1 << 20);
    assert_eq!(client.map(MEMORY, 1 << 20, &memory), 0);
    let interrupt = rustix::event::eventfd(0, EventfdFlags::NONBLOCK).unwrap();
    client.connect_msi(&interrupt);
    let put = |at: u64, values: &[u32]| memory.write_all_at(&words(values), at).unwrap();
    let get = |at: u64| {
        let mut word = [0; 4];
        memory.read_exact_at(&mut word, at).unwrap();
        u32::from_le_bytes(word)
    };
    // Global addresses 0x1000 (ring), 0x2000 (image), 0x3000 (its registers), 0x4000 (status), 0x5000 (data).
    for page in 1..6_u64 {
        client.write(0, (8 << 20) + page * 8, &((MEMORY + page * 4096) | 1).to_le_bytes());
    }
    put(0x1000, &[0x20 << 23 | 1 << 22 | 2, 0x5000, 0, 0xfeed, 0x02 << 23, 0]);
    let list = [0x244, 0x9_0009, 0x34, 0, 0x30, 24, 0x38, 0x1000, 0x3c, 1];
    let list: Vec<u32> = list.chunks(2).flat_map(|pair: &[u32]| [0x2000 + pair[0], pair[1]]).collect();
    put(0x3000, &[&[0, 0x1100_1009][..], &list, &[0x0a << 23]].concat());
    client.write(0, RCS + 0x80, &words(&[0x4000]));
    client.write(0, RCS + 0xa8, &words(&[!0x101]));
    client.write(0, 0x4_4304, &words(&[0]));
    client.write(0, 0x4_430c, &words(&[0x101]));
    client.write(0, 0x4_4200, &words(&[1 << 31]));
    for word in [0, 0, 9, 0x2019] {
        client.write(0, RCS + 0x230, &words(&[word]));
    }
    assert_eq!(wait_for_message(&interrupt), 1);
    assert_eq!(get(0x5000), 0xfeed);
    assert_eq!(client.read(0, 0x4_4308, 4), words(&[0x101]));
    assert_eq!((get(0x4040), get(0x4044), get(0x4048), get(0x407c)), (1, 9, 0x18, 1));

    let engines = String::from_utf8(control(&served, "engines")).unwrap();
    assert!(engines.starts_with("rcs0 Idle switches 1 commands 3 "), "{engines}");
    assert_eq!(control(&served, "ggtt 0x5678\n"), b"0x40005678\n");
    let contexts = String::from_utf8(control(&served, "contexts")).unwrap();
    assert_eq!(contexts, "pml4 0x0 lrca 0x2000 rcs0\n");
    assert_eq!(control(&served, "contexts 0x100000000"), b"");
    assert!(control(&served, "ppgtt 0x10000000").starts_with(b"error: the table of 0x0: "));
    let table = String::from_utf8(control(&served, "ggtt")).unwrap();
    assert!(table.lines().any(|line| line == "0x5000 0x40005001"), "{table}");
    client.write(0, 0x10_0008, &0x1000_0000_2003_u64.to_le_bytes());
    let fences = String::from_utf8(control(&served, "fences")).unwrap();
    assert!(fences.starts_with("0x0\n0x100000002003\n0x0\n") && fences.lines().count() == 32, "{fences}");
    assert!(control(&served, "ggtt 0x9000\n").starts_with(b"error: "));
    assert_eq!(control(&served, "plant 0x9000 0x40007001"), b"0x0\n");
    assert_eq!(control(&served, "ggtt 0x9678"), b"0x40007678\n");
    assert_eq!(control(&served, "plant 0xfffff000 0xffffffffffffffff"), b"0x0\n", "the last one");
    assert_eq!(client.read(0, (16 << 20) - 8, 8), [0xff; 8], "who reads the BAR sees it");
    assert_eq!(control(&served, "plant 0xfffff000 0"), b"0xffffffffffffffff\n");
    for odd in [
        "plant",
        "plant 0",
        "plant 0 1 2",
        "plant 0x100000000 1",
        "plant 0x9008 1",
        "plant 0 -1",
        "plant x 1",
    ] {
        assert!(control(&served, odd).starts_with(b"error: "), "{odd}");
    }
    assert_eq!(control(&served, "ggtt 0x9678"), b"0x40007678\n", "and changes nothing");
    assert!(control(&served, "screenshot").starts_with(b"error: the guest's primary plane is off"));
    assert!(control(&served, "nonsense").starts_with(b"error: "));

    assert_eq!(client.ask(13, &[], &[]).unwrap().0, 0, "reset");
    assert_eq!(client.read(0, RCS + 0x80, 4), words(&[0]));
    drop(client);
    served.end().unwrap();
}

#[test]
fn what_a_plane_scans_out_is_on_the_screenshot() {
    let served = serve(false);
    let mut client = Client::ready(&served);
    let memory = file(1 << 20);
    assert_eq!(client.map(MEMORY, 1 << 20, &memory), 0);
    for page in 0..16_u64 {
        client.write(0, (8 << 20) + page * 8, &((MEMORY + page * 4096) | 1).to_le_bytes());
    }
    // 64 x 16 pixels, linear, 256 bytes a row, at 0x4000; the pixel (3, 2) is red.
    memory.write_all_at(&words(&[0x00ff_0000]), 0x4000 + 2 * 256 + 3 * 4).unwrap();
    for (offset, value) in
        [(0x7_0188, 4), (0x7_0190, 15 << 16 | 63), (0x7_019c, 0x4000), (0x7_0180, 0x8400_0000)]
    {
        client.write(0, offset, &words(&[value]));
    }
    let file = control(&served, "screenshot");
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (64, 16));
    let red: Vec<usize> =
        pixels.chunks(4).enumerate().filter(|(_, p)| p[0] == 0xff).map(|(at, _)| at).collect();
    assert_eq!(red, [2 * 64 + 3]);
}

#[test]
fn the_global_gtt_is_a_file_only_for_who_asks_for_one() {
    for map in [false, true] {
        let served = serve_device(false, move || Device::new().unwrap().with_mapped_gtt(map));
        let mut client = Client::ready(&served);
        let (error, info) = client.ask(5, &words(&[64, 0, 0, 0, 0, 0, 0, 0]), &[]).unwrap();
        assert_eq!(error, 0);
        assert_eq!(info[4] & 4 != 0, map, "the flag for mapping");
        assert_eq!(info.len(), if map { 64 } else { 32 });
        client.write(0, (8 << 20) + 8, &0x1234_5001_u64.to_le_bytes());
        assert_eq!(client.read(0, (8 << 20) + 8, 8), 0x1234_5001_u64.to_le_bytes());
    }
}

#[test]
fn the_next_client_finds_a_device_as_new() {
    let served = serve(true);
    let mut first = Client::ready(&served);
    first.write(0, 0x5_0000, &words(&[1]));
    first.write(7, 4, &[6]);
    first.write(0, (8 << 20) + 8, &0x1234_5001_u64.to_le_bytes());
    drop(first);
    let mut second = Client::ready(&served);
    assert_eq!(second.read(0, 0x5_0000, 4), words(&[0]));
    assert_eq!(second.read(7, 4, 1), [0]);
    assert_eq!(second.read(0, (8 << 20) + 8, 8), [0; 8], "an entry of the global GTT");
}

#[test]
fn a_server_gives_up_when_nobody_comes_and_replaces_a_dead_ones_socket() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("gpu");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let wait = Some(Duration::from_millis(50));
    let options = Options { socket: socket.clone(), control: None, wait, keep: false };
    let server = Server::bind(options.clone()).unwrap();
    assert!(matches!(Server::bind(options), Err(ServerError::Listen { .. })), "a living one's is not");
    let mut device = Device::new().unwrap();
    assert!(matches!(server.run(&mut device), Err(ServerError::NoClient { .. })));
    drop(server);
    assert!(!socket.exists());
}
