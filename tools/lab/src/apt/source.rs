//! Source packages as `apt-cache showsrc` prints them: of each, the upstream tarball.

use super::Stanza;

/// The upstream tarballs that a text of stanzas names.
pub(crate) fn tarballs(text: &str) -> Vec<Stanza> {
    text.split("\n\n").filter_map(tarball).collect()
}

fn tarball(stanza: &str) -> Option<Stanza> {
    let field = |name: &str| {
        stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned)
    };
    let name = field("Package")?;
    // " sha256 size file", on the lines after the field's name.
    let mut files = stanza.lines().skip_while(|line| !line.starts_with("Checksums-Sha256:")).skip(1);
    let line = files.find(|line| !line.starts_with(' ') || line.ends_with(".orig.tar.xz"))?;
    let mut words = line.split_ascii_whitespace();
    let (sha256, size, file) = (words.next()?, words.next()?, words.next()?);
    Some(Stanza {
        // What stands before Debian's revision; its epoch is not in the file's name either.
        version: file.strip_prefix(&format!("{name}_"))?.strip_suffix(".orig.tar.xz")?.to_owned(),
        source: name.clone(),
        path: format!("{}/{file}", field("Directory")?),
        size: size.parse().ok()?,
        sha256: sha256.to_owned(),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XEN: &str = "Package: xen\nFormat: 3.0 (quilt)\nVersion: 4.17.5+72-g01-1\nChecksums-Sha256:\n \
                       f139 4357 xen_4.17.5+72-g01-1.dsc\n 5392 4735560 xen_4.17.5+72-g01.orig.tar.xz\n \
                       5bcf 139916 xen_4.17.5+72-g01-1.debian.tar.xz\nDirectory: pool/main/x/xen\n";

    #[test]
    fn tarballs_each_stanza_gives_its_upstream_file() {
        let all = tarballs(&format!("{XEN}\n{XEN}"));
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].version.as_str(), all[0].size), ("4.17.5+72-g01", 4_735_560));
        assert_eq!(all[0].path, "pool/main/x/xen/xen_4.17.5+72-g01.orig.tar.xz");
        assert_eq!(all[0].sha256, "5392");
    }

    #[test]
    fn tarballs_stanza_without_one_is_left_out() {
        assert!(tarballs(&XEN.replace(".orig.", ".native.")).is_empty());
        assert!(tarballs("").is_empty());
    }
}
