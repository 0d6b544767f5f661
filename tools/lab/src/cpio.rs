//! An initramfs: a cpio archive in the kernel's "newc" form, gzipped. The same files always make the same bytes.
//!
//! Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};

use crate::error::{LabError, Result};

const DIRECTORY: u32 = 0o040_755;
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// One thing in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory,
    File(Vec<u8>),
    Program(Vec<u8>),
    Link(String),
}

impl Entry {
    pub(crate) fn mode(&self) -> u32 {
        match self {
            Self::Directory => DIRECTORY,
            Self::File(_) => FILE,
            Self::Program(_) => PROGRAM,
            Self::Link(_) => LINK,
        }
    }

    pub(crate) fn data(&self) -> &[u8] {
        match self {
            Self::Directory => &[],
            Self::File(data) | Self::Program(data) => data,
            Self::Link(target) => target.as_bytes(),
        }
    }
}

/// The files of an archive by path, in order: a directory comes before what is in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(BTreeMap<String, Entry>);

impl Files {
    /// Puts a file at a path like `usr/bin/xl`, and its directories.
    pub(crate) fn add(&mut self, path: &str, entry: Entry) {
        for (at, _) in path.match_indices('/') {
            if let Some(parent) = path.get(..at) {
                self.0.entry(parent.to_owned()).or_insert(Entry::Directory);
            }
        }
        self.0.insert(path.to_owned(), entry);
    }

    /// Path and entry of each, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// The archive, gzipped.
    ///
    /// The fast level: dom0 unpacks it in emulation, where its size matters less than the host's time.
    pub(crate) fn gzip(&self) -> Result<Vec<u8>> {
        let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
        let failed =
            |cause: io::Error| LabError::Archive { path: "archive".into(), reason: cause.to_string() };
        for (inode, (path, entry)) in (1_u32..).zip(self.iter()) {
            let data = entry.data();
            let length = u32::try_from(data.len())
                .map_err(|_| LabError::Archive { path: path.to_owned(), reason: "4 GiB or more".into() })?;
            write_entry(&mut out, inode, entry.mode(), path, length, data).map_err(failed)?;
        }
        write_entry(&mut out, 0, 0, "TRAILER!!!", 0, &[]).map_err(failed)?;
        out.finish().map_err(failed)
    }
}

fn write_entry(
    out: &mut impl Write,
    inode: u32,
    mode: u32,
    path: &str,
    length: u32,
    data: &[u8],
) -> io::Result<()> {
    let links = if mode == DIRECTORY { 2 } else { 1 };
    let name_length = path.len() + 1;
    // Magic, inode, mode, uid, gid, links, mtime, length, device, its own device, name's length, checksum.
    write!(
        out,
        "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{links:08x}{0:08x}{length:08x}{0:08x}{0:08x}{0:08x}{0:08x}{name_length:08x}{0:08x}",
        0
    )?;
    out.write_all(path.as_bytes())?;
    out.write_all(&[0])?;
    out.write_all(padding(110 + name_length))?;
    out.write_all(data)?;
    out.write_all(padding(data.len()))
}

/// Zeros up to a multiple of four.
fn padding(length: usize) -> &'static [u8] {
    [0; 4].get(..length.next_multiple_of(4) - length).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Files {
        let mut files = Files::default();
        files.add("usr/bin/tool", Entry::Program(b"#!/bin/sh\n".to_vec()));
        files.add("etc/empty", Entry::File(Vec::new()));
        files.add("usr/lib", Entry::Link("bin".into()));
        files
    }

    #[test]
    fn add_nested_path_makes_its_directories_first() {
        let files = sample();
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["etc", "etc/empty", "usr", "usr/bin", "usr/bin/tool", "usr/lib"]);
    }

    #[test]
    fn gzip_twice_is_the_same_bytes() {
        assert_eq!(sample().gzip().unwrap(), sample().gzip().unwrap());
    }

    #[test]
    fn gzip_entries_start_on_four_and_hold_name_and_data() {
        let mut plain = Vec::new();
        let zipped = sample().gzip().unwrap();
        io::copy(&mut flate2::read::GzDecoder::new(&zipped[..]), &mut plain).unwrap();
        let mut seen = Vec::new();
        let mut at = 0;
        while at < plain.len() {
            assert_eq!(at % 4, 0);
            assert_eq!(&plain[at..at + 6], b"070701");
            let field = |index: usize| {
                let start = at + 6 + 8 * index;
                usize::from_str_radix(std::str::from_utf8(&plain[start..start + 8]).unwrap(), 16).unwrap()
            };
            let (data_length, name_length) = (field(6), field(11));
            let name = &plain[at + 110..at + 110 + name_length];
            let data = (at + 110 + name_length).next_multiple_of(4);
            assert_eq!(name.last(), Some(&0));
            seen.push((
                String::from_utf8_lossy(&name[..name_length - 1]).into_owned(),
                field(1),
                data_length,
            ));
            at = (data + data_length).next_multiple_of(4);
        }
        let expected = [
            ("etc", 0o040_755, 0),
            ("etc/empty", 0o100_644, 0),
            ("usr", 0o040_755, 0),
            ("usr/bin", 0o040_755, 0),
            ("usr/bin/tool", 0o100_755, 10),
            ("usr/lib", 0o120_777, 3),
            ("TRAILER!!!", 0, 0),
        ];
        assert_eq!(seen, expected.map(|(name, mode, length)| (name.to_owned(), mode, length)));
    }
}
