//! The files of a real host, as a kernel module would show them, under a directory of the test's own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use libxengt::host::Host;
use libxengt::root::Root;

pub(crate) struct Tree {
    temp: tempfile::TempDir,
}

/// What the nodes of a vGPU say when all is well: that of `GVTg_V5_8` number `n`, from 1.
pub(crate) fn nodes(n: u64) -> [(&'static str, String); 7] {
    let (low, high) = (0x800_0000 + (n - 1) * 0x400_0000, 0x2800_0000 + (n - 1) * 0x1800_0000);
    let fences: Vec<_> = (n * 4..n * 4 + 4).map(|fence| fence.to_string()).collect();
    [
        ("vgpu_id", format!("{n}\n")),
        ("schedule", String::new()),
        ("type", "GVTg_V5_8\n".to_owned()),
        ("aperture", format!("{low:#x} {low:#x} 0x4000000\n")),
        ("hidden", format!("{high:#x} {high:#x} 0x18000000\n")),
        ("fences", fences.join(" ") + "\n"),
        ("state", "active\n".to_owned()),
    ]
}

impl Tree {
    /// A Kaby Lake with 256 MB of aperture and a GGTT of 4 GB, the module loaded, no vGPU.
    pub(crate) fn new() -> Self {
        let tree = Self { temp: tempfile::tempdir().unwrap() };
        tree.write("sys/kernel/vgt/control/create_vgt_instance", b"");
        let gpu = "sys/bus/pci/devices/0000:00:02.0";
        tree.write(&format!("{gpu}/config"), &config());
        let bar =
            |start: u64, len: u64| format!("{start:#018x} {:#018x} 0x000000000014220c\n", start + len - 1);
        let none = format!("{0:#018x} {0:#018x} {0:#018x}\n", 0);
        let lines = [bar(0xde00_0000, 16 << 20), none.clone(), bar(0x20_0000_0000, 256 << 20), none];
        tree.write(&format!("{gpu}/resource"), lines.concat().as_bytes());
        tree.sparse(&format!("{gpu}/resource0"), 16 << 20);
        tree.sparse(&format!("{gpu}/resource2"), 256 << 20);
        tree
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.temp.path().join(relative)
    }

    pub(crate) fn root(&self) -> Root {
        Root::at(self.temp.path())
    }

    pub(crate) fn host(&self) -> Host {
        let host = Host::open(self.root()).unwrap();
        assert!(host.sim().is_none(), "this is to be a real host");
        host
    }

    pub(crate) fn write(&self, relative: &str, content: &[u8]) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn sparse(&self, relative: &str, len: u64) {
        self.write(relative, b"");
        fs::OpenOptions::new().write(true).open(self.path(relative)).unwrap().set_len(len).unwrap();
    }

    pub(crate) fn vgpu(&self, domid: u16, n: u64) {
        let domain = [("domid", format!("{domid}\n")), ("stats", "requests 0\nrefused 0\n".to_owned())];
        for (name, content) in nodes(n).into_iter().chain(domain) {
            self.write(&format!("sys/kernel/vgt/vm{domid}/{name}"), content.as_bytes());
        }
    }

    /// A file, directory or link of that name goes, whatever it is.
    pub(crate) fn remove(&self, relative: &str) {
        let path = self.path(relative);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
            Ok(_) => fs::remove_file(path).unwrap(),
            Err(_) => {}
        }
    }

    /// A link that leads to itself: unreadable for root too.
    pub(crate) fn endless(&self, relative: &str) {
        self.remove(relative);
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(path.file_name().unwrap(), &path).unwrap();
    }

    /// Every path below `relative`, sorted.
    pub(crate) fn all(&self, relative: &str) -> Vec<PathBuf> {
        fn below(dir: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                found.push(path.clone());
                below(&path, found);
            }
        }
        let mut found = Vec::new();
        below(&self.path(relative), &mut found);
        found.sort();
        found
    }
}

/// 256 bytes of a Kaby Lake's configuration space.
pub(crate) fn config() -> [u8; 256] {
    let mut bytes = [0; 256];
    for (at, byte) in [(0, 0x86), (1, 0x80), (2, 0x16), (3, 0x59), (8, 2), (11, 3), (0x50, 0xc0)] {
        bytes[at] = byte;
    }
    bytes
}
