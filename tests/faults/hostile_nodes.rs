//! Nodes of the module that are missing, unreadable, endless or lies: an error in their place, the rest unharmed.

use std::fs;

use libxengt::addr::{DomId, Mfn};
use libxengt::control::{ControlError, Listed};
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::inspect::{InspectError, MmioImage, VirtualGgtt, scratch_frame};
use libxengt::node::{NodeError, NodeProblem};

use crate::tree::Tree;

const VM: &str = "sys/kernel/vgt/vm2";

/// A host with vGPUs of domains 1, 2 and 3, of which `spoil` does something to that of domain 2.
fn spoilt(spoil: impl Fn(&Tree)) -> (Tree, Result<(), ControlError>) {
    let tree = Tree::new();
    for n in 1..4 {
        tree.vgpu(n, n.into());
    }
    spoil(&tree);
    let listed: Vec<Listed> = tree.host().control().list().unwrap();
    let domids: Vec<u16> = listed.iter().map(|entry| entry.domid.get()).collect();
    assert_eq!(domids, [1, 2, 3]);
    let mut results = listed.into_iter().map(|entry| entry.vgpu.map(|_| ()));
    let (first, second, third) = (results.next().unwrap(), results.next().unwrap(), results.next().unwrap());
    assert!(first.is_ok() && third.is_ok(), "one bad vGPU hides another");
    // Asked for alone, it gives the same error.
    let alone = tree.host().control().get(DomId::new(2)).map(|_| ());
    assert_eq!(format!("{alone:?}"), format!("{second:?}"));
    (tree, second)
}

fn problem(result: Result<(), ControlError>) -> NodeProblem {
    let error = result.unwrap_err();
    assert!(error.hint().is_some());
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!text.chars().any(char::is_control), "{text:?} is not for a terminal");
        assert!(text.len() < 1000, "{} characters", text.len());
    }
    match error {
        ControlError::Node(NodeError { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rubbish_in_any_node_is_named_and_hides_nobody() {
    let garbage: [(&str, &[&[u8]]); 7] = [
        (
            "vgpu_id",
            &[
                b"0",
                b"8",
                b"-1",
                b"+1",
                b"1 ",
                b" 1",
                b"0x1",
                b"1\0",
                b"one",
                b"99999999999",
                b"\xff\xfe",
                b"1\n\n",
            ],
        ),
        ("type", &[b"\x1b[2J", b"GVTg_V5_8\0", b"a b", b"\xc2\x9b31m", b"GVTg-V5-8", &[b'A'; 33]]),
        (
            "aperture",
            &[
                b"0x8000000",
                b"0x8000000 0x8000000",
                b"0x8000000 0x8000000 0",
                b"1 1 1",
                b"0x8000000  0x8000000 0x1000",
                b"0x8000000 0x8000000 0x4000000 0x1",
                b"0x100000000 0x100000000 0x1000",
                b"-1 -1 -1",
                b"0xffffffffffffffff 0 0xffffffffffffffff",
                b"0 0 0x100001000",
            ],
        ),
        (
            "hidden",
            // The third lies on the aperture; the last two are numbered as no layout numbers them.
            &[
                b"",
                b"x",
                b"0xc000000 0xc000000 0x4000000",
                b"0x1000 0x28000000 0x1000",
                b"0x40000000 0x1000 0x1000",
            ],
        ),
        (
            "fences",
            &[b"4 4", b"32", b"-1", b"4,5", b"4  5", b"+4", b"04", b"256", b"4 5 6 7 ", b"\x1b]0;x\x07"],
        ),
        ("state", &[b"Active", b"active active", b"1", b"\x1b[2J"]),
        ("domid", &[b"3", b"-2", b"+2", b"02", b"2 ", b"two", b"\x1b[2J"]),
    ];
    for (node, contents) in garbage {
        for content in contents {
            let (_tree, result) = spoilt(|tree| tree.write(&format!("{VM}/{node}"), content));
            let found = problem(result);
            let is_right = match content {
                [] => matches!(found, NodeProblem::Empty { .. }),
                _ => matches!(found, NodeProblem::Garbage { .. }),
            };
            assert!(is_right, "{node} {:?}: {found:?}", String::from_utf8_lossy(content));
        }
    }
}

#[test]
fn empty_missing_endless_and_huge_nodes_are_told_apart() {
    for node in ["vgpu_id", "type", "aperture", "hidden", "fences", "state", "domid"] {
        let path = format!("{VM}/{node}");
        let (_tree, result) = spoilt(|tree| tree.write(&path, b""));
        assert!(matches!(problem(result), NodeProblem::Empty { .. }), "{node}");
        let (_tree, result) = spoilt(|tree| tree.sparse(&path, 1 << 30));
        assert!(matches!(problem(result), NodeProblem::TooLong { .. }), "{node}");
        let (_tree, result) = spoilt(|tree| tree.endless(&path));
        assert!(
            matches!(problem(result), NodeProblem::Io(e) if e.kind() != std::io::ErrorKind::NotFound),
            "{node}"
        );
        let directory = |tree: &Tree| {
            tree.remove(&path);
            fs::create_dir(tree.path(&path)).unwrap();
        };
        let (_tree, result) = spoilt(directory);
        assert!(matches!(problem(result), NodeProblem::Io(_)), "{node}");
        let (_tree, result) = spoilt(|tree| tree.remove(&path));
        // Only the id is in every kernel; what else is missing is not known, and no more than that.
        assert_eq!(result.is_err(), node == "vgpu_id", "{node}");
    }
}

#[test]
fn counters_that_make_no_sense_are_an_error_of_their_own() {
    let path = format!("{VM}/stats");
    let counters = |spoil: &dyn Fn(&Tree)| {
        let (tree, vgpu) = spoilt(spoil);
        assert!(vgpu.is_ok(), "the vGPU is what it was: {vgpu:?}");
        tree.host().control().counters(DomId::new(2)).map(|counters| counters.is_some())
    };
    assert!(counters(&|_| {}).unwrap());
    assert!(!counters(&|tree| tree.remove(&path)).unwrap());
    let rubbish: [&[u8]; 6] =
        [b"requests", b"requests -1", b"a 1\na 2", b"\x1b[2J 1", b"\xff\xfe 1", b"a 1\n\nb 2"];
    for content in rubbish {
        let error = counters(&|tree| tree.write(&path, content)).map(|_| ());
        assert!(matches!(problem(error), NodeProblem::Garbage { .. }), "{content:?}");
    }
    let error = counters(&|tree| tree.write(&path, b"")).map(|_| ());
    assert!(matches!(problem(error), NodeProblem::Empty { .. }));
    let error = counters(&|tree| tree.sparse(&path, 1 << 30)).map(|_| ());
    assert!(matches!(problem(error), NodeProblem::TooLong { .. }));
    let error = counters(&|tree| tree.endless(&path)).map(|_| ());
    assert!(matches!(problem(error), NodeProblem::Io(_)));
}

#[test]
fn peak_memory_stays_small_whatever_a_node_holds() {
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let before = peak();
    let huge = |tree: &Tree| {
        for node in ["vgpu_id", "fences", "aperture", "domid"] {
            tree.sparse(&format!("{VM}/{node}"), 1 << 30);
        }
        tree.sparse("sys/bus/pci/devices/0000:00:02.0/config", 1 << 30);
        tree.sparse("sys/bus/pci/devices/0000:00:02.0/resource", 1 << 30);
    };
    let (tree, result) = spoilt(huge);
    assert!(result.is_err() && tree.host().gpu().is_err());
    // Other tests may share the process; a gigabyte read whole would show all the same.
    assert!(peak() - before < 200 << 10, "{} KB more", peak() - before);
}

#[test]
fn a_file_or_a_loop_for_a_vgpu_is_an_error_and_never_no_vgpu() {
    for spoil in [
        |tree: &Tree| {
            tree.remove(VM);
            tree.write(VM, b"")
        },
        |tree: &Tree| tree.endless(VM),
    ] {
        let (tree, result) = spoilt(spoil);
        problem(result);
        let host = tree.host();
        let control = host.control();
        let before = tree.all("sys/kernel/vgt");
        let error = control.destroy(DomId::new(2)).unwrap_err();
        assert!(!matches!(error, ControlError::NoVgpu { .. }), "{error}");
        assert_eq!(tree.all("sys/kernel/vgt"), before);
    }
}

#[test]
fn a_kset_that_is_missing_or_no_directory_is_an_absent_module() {
    for spoil in [
        |tree: &Tree| tree.remove("sys/kernel/vgt"),
        |tree: &Tree| tree.remove("sys"),
        |tree: &Tree| {
            tree.remove("sys/kernel/vgt");
            tree.write("sys/kernel/vgt", b"")
        },
        |tree: &Tree| {
            tree.remove("sys/kernel");
            tree.write("sys/kernel", b"")
        },
    ] {
        let tree = Tree::new();
        spoil(&tree);
        let host = tree.host();
        for error in [
            host.control().list().map(|_| ()).unwrap_err(),
            host.control().destroy(DomId::new(1)).unwrap_err(),
        ] {
            assert!(matches!(error, ControlError::ModuleAbsent { .. }), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }
    let tree = Tree::new();
    tree.endless("sys/kernel/vgt");
    let error = tree.host().control().list().map(|_| ()).unwrap_err();
    assert!(matches!(error, ControlError::Node(_)), "a loop is no answer: {error:?}");
}

#[test]
fn names_that_are_no_domains_are_not_listed() {
    let tree = Tree::new();
    tree.vgpu(7, 1);
    for name in [
        "vm",
        "vm0",
        "vm007",
        "vm-1",
        "vm+1",
        "vm32752",
        "vm65543",
        "vm1 ",
        "VM1",
        "vm7\n",
        "vm\x1b[2J",
        "xvm1",
    ] {
        tree.write(&format!("sys/kernel/vgt/{name}/vgpu_id"), b"1\n");
    }
    let listed = tree.host().control().list().unwrap();
    assert_eq!(listed.iter().map(|entry| entry.domid.get()).collect::<Vec<_>>(), [7]);
}

#[test]
fn insides_that_are_short_missing_or_no_files_are_refused() {
    let tree = Tree::new();
    let domid = DomId::new(2);
    let dir = "sys/kernel/debug/xengt/vm2";
    let open = || {
        let ggtt = VirtualGgtt::open(&tree.root(), domid).map(|_| ());
        [ggtt, MmioImage::open(&tree.root(), domid).map(|_| ())]
    };
    for result in open() {
        assert!(matches!(result, Err(InspectError::NotShown { .. })), "{result:?}");
    }
    for len in [0, 7] {
        tree.sparse(&format!("{dir}/ggtt"), len);
        tree.sparse(&format!("{dir}/mmio"), (2 << 20) - 1 - len);
        for result in open() {
            let error = result.unwrap_err();
            assert!(matches!(error, InspectError::Truncated { .. }), "{error:?}");
            assert_eq!(error.kind(), ErrorKind::Failed);
        }
    }
    for name in ["ggtt", "mmio"] {
        tree.endless(&format!("{dir}/{name}"));
    }
    for result in open() {
        assert!(matches!(result, Err(InspectError::Node(_))), "{result:?}");
    }
    for name in ["ggtt", "mmio"] {
        tree.remove(&format!("{dir}/{name}"));
        fs::create_dir(tree.path(&format!("{dir}/{name}"))).unwrap();
    }
    for result in open() {
        assert!(matches!(result, Err(InspectError::Node(_))), "{result:?}");
    }
}

#[test]
fn a_scratch_page_is_named_in_full_or_not_at_all() {
    let tree = Tree::new();
    let path = "sys/kernel/debug/xengt/vm2/scratch";
    let read = || scratch_frame(&tree.root(), DomId::new(2));
    assert_eq!(read().unwrap(), None);
    tree.write(path, b"0x1234\n");
    assert_eq!(read().unwrap(), Some(Mfn::new(0x1234)));
    let problem = || match read().unwrap_err() {
        InspectError::Node(error) => error.problem,
        other => panic!("{other:?}"),
    };
    for content in [&b"1234"[..], b"0x", b"0xffffffffffffffff", b"0x1\0", b"\x1b[2J", b"\xff"] {
        tree.write(path, content);
        assert!(matches!(problem(), NodeProblem::Garbage { .. }), "{content:?}");
    }
    tree.sparse(path, 1 << 30);
    assert!(matches!(problem(), NodeProblem::TooLong { .. }));
    tree.write(path, b"");
    assert!(matches!(problem(), NodeProblem::Empty { .. }));
    tree.endless(path);
    assert!(matches!(problem(), NodeProblem::Io(_)));
}

/// As debugfs does it: the length is 0, and the content is there.
#[test]
fn a_file_that_hides_its_length_is_measured() {
    use libxengt::gtt::GgttSource;
    let tree = Tree::new();
    let version = fs::read("/proc/version").unwrap();
    assert_eq!(fs::metadata("/proc/version").unwrap().len(), 0);
    fs::create_dir_all(tree.path("sys/kernel/debug/xengt/vm2")).unwrap();
    std::os::unix::fs::symlink("/proc/version", tree.path("sys/kernel/debug/xengt/vm2/ggtt")).unwrap();
    let ggtt = VirtualGgtt::open(&tree.root(), DomId::new(2)).unwrap();
    assert_eq!(usize::try_from(ggtt.entries()).unwrap(), version.len() / 8);
    assert_eq!(ggtt.read_pte(0).unwrap().to_le_bytes(), version[..8]);
}
