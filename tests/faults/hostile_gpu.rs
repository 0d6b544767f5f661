//! A PCI tree and BARs that are cut off, missing or rubbish.

use libxengt::bar::BarError;
use libxengt::error::{Diagnose, ErrorKind};
use libxengt::gpu::{Gpu, GpuError};

use crate::tree::{Tree, config};

const GPU: &str = "sys/bus/pci/devices/0000:00:02.0";

fn found(tree: &Tree) -> Result<Gpu, GpuError> {
    let result = tree.host().gpu();
    if let Err(error) = &result {
        let text = format!("{error} {error:?} {:?}", error.hint());
        assert!(!text.chars().any(char::is_control), "{text:?} is not for a terminal");
    }
    result
}

#[test]
fn config_space_cut_off_anywhere_says_what_it_can() {
    let tree = Tree::new();
    for len in 0..=256 {
        tree.write(&format!("{GPU}/config"), &config()[..len]);
        match found(&tree) {
            Ok(gpu) => {
                assert!(len >= 64);
                let ggtt = gpu.resources().map(|resources| resources.ggtt);
                assert_eq!(ggtt, (len >= 0x52).then_some(4 << 30), "{len} bytes");
            }
            Err(error @ GpuError::Config { .. }) => {
                assert!(len < 64, "{len} bytes: {error}");
                assert_eq!(error.kind(), ErrorKind::Failed);
            }
            Err(other) => panic!("{len} bytes: {other:?}"),
        }
    }
}

#[test]
fn config_space_of_random_bits_never_gives_an_impossible_ggtt() {
    let tree = Tree::new();
    for bits in 0..=u8::MAX {
        let mut bytes = config();
        bytes[0x50] = bits;
        tree.write(&format!("{GPU}/config"), &bytes);
        let ggtt = found(&tree).unwrap().resources().map(|resources| resources.ggtt >> 30);
        assert_eq!(ggtt, [None, Some(1), Some(2), Some(4)][usize::from(bits >> 6)]);
    }
}

#[test]
fn resource_text_that_is_rubbish_gives_no_bar() {
    let good = "0x0 0xffffff 0x0\n";
    let texts = [
        "\n",
        "x\n",
        "0x0\n",
        "0x0 0x0 0x0\n",
        "0x5 0x4 0x0\n",
        "-1 5 0\n",
        "0x0 0xffffffffffffffff 0x0\n",
        "0x0 0x10000000000000000 0x0\n",
        "\x1b[2J\n",
        "0x0 0xffffff\n",
        "0x0,0xff,0x0\n",
        "\0\n",
    ];
    for text in texts {
        for (content, bar) in
            [(format!("{text}{text}{text}"), 0), (format!("{good}\n{text}"), 2), (good.to_owned(), 2)]
        {
            let tree = Tree::new();
            tree.write(&format!("{GPU}/resource"), content.as_bytes());
            match found(&tree).unwrap_err() {
                error @ GpuError::NoBar { .. } => {
                    assert!(error.to_string().contains(&format!("BAR {bar}")), "{content:?}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Unsupported);
                }
                other => panic!("{content:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn bars_whose_files_are_short_missing_or_no_files_are_refused() {
    for (bar, whole) in [(0, 16 << 20), (2, 256 << 20)] {
        let file = format!("{GPU}/resource{bar}");
        let map = |tree: &Tree| {
            let gpu = found(tree).unwrap();
            if bar == 0 { gpu.map_mmio().map(|_| ()) } else { gpu.map_aperture().map(|_| ()) }
        };
        let tree = Tree::new();
        assert!(map(&tree).is_ok());
        for len in [0, 1, 4096, 8 << 20, whole - 1] {
            tree.sparse(&file, len);
            match map(&tree).unwrap_err() {
                error @ BarError::Truncated { .. } => assert_eq!(error.kind(), ErrorKind::Failed),
                other => panic!("{len}: {other:?}"),
            }
        }
        tree.sparse(&file, 1 << 30);
        assert!(map(&tree).is_ok(), "more than enough is enough");
        tree.remove(&file);
        assert_eq!(map(&tree).unwrap_err().kind(), ErrorKind::NotFound);
        tree.endless(&file);
        assert!(matches!(map(&tree), Err(BarError::Map { .. })));
        tree.remove(&file);
        std::fs::create_dir(tree.path(&file)).unwrap();
        assert!(map(&tree).is_err());
    }
}

#[test]
fn bar_that_claims_what_no_file_has_is_refused_before_it_is_mapped() {
    let tree = Tree::new();
    let huge = "0x1 0xffffffffffffffff 0x0\n";
    tree.write(&format!("{GPU}/resource"), huge.repeat(3).as_bytes());
    let gpu = found(&tree).unwrap();
    assert!(matches!(gpu.map_mmio(), Err(BarError::Truncated { .. })));
    assert!(matches!(gpu.map_aperture(), Err(BarError::Truncated { .. })));
    // A BAR too small for the GGTT that the GPU says it has.
    tree.write(&format!("{GPU}/resource"), "0x0 0x7fffff 0x0\n".repeat(3).as_bytes());
    assert!(matches!(found(&tree).unwrap().map_mmio(), Err(BarError::Truncated { .. })));
}

#[test]
fn pci_trees_without_a_usable_gpu_say_why() {
    type Spoil = fn(&Tree);
    let cases: [(Spoil, ErrorKind); 7] = [
        (|tree| tree.remove("sys/bus/pci/devices"), ErrorKind::Unsupported),
        (|tree| tree.endless("sys/bus/pci/devices"), ErrorKind::Failed),
        (|tree| tree.remove(GPU), ErrorKind::Unsupported),
        (|tree| tree.remove(&format!("{GPU}/config")), ErrorKind::NotFound),
        (|tree| tree.endless(&format!("{GPU}/config")), ErrorKind::Failed),
        (|tree| tree.remove(&format!("{GPU}/resource")), ErrorKind::NotFound),
        (|tree| tree.write(&format!("{GPU}/resource"), b""), ErrorKind::Failed),
    ];
    for (number, (spoil, kind)) in cases.into_iter().enumerate() {
        let tree = Tree::new();
        spoil(&tree);
        let error = found(&tree).unwrap_err();
        assert_eq!(error.kind(), kind, "case {number}: {error:?}");
    }
}

#[test]
fn other_functions_cannot_hide_the_gpu_or_reach_the_terminal() {
    let tree = Tree::new();
    for name in ["0000:00:00.0", "0000:00:1f.3", "\x1b[2J", "0000:00:02.0\n", "\u{202e}", "..."] {
        tree.write(&format!("sys/bus/pci/devices/{name}/config"), b"short");
    }
    let gpu = found(&tree).unwrap();
    assert_eq!((gpu.name.as_str(), gpu.driver), ("0000:00:02.0", None));
    std::os::unix::fs::symlink("../../drivers/\x1b[2Ji915", tree.path(&format!("{GPU}/driver"))).unwrap();
    let driver = found(&tree).unwrap().driver.unwrap();
    assert!(!driver.chars().any(char::is_control), "{driver:?}");
    tree.remove(GPU);
    // What is left that looks like a function is unreadable, and its name is plain.
    assert!(matches!(found(&tree).unwrap_err(), GpuError::Config { .. }));
}
