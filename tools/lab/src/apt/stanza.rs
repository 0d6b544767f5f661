//! One package as `apt-cache show` prints it.

/// The fields that the lock keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stanza {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Stanza {
    /// Reads a stanza; none if a field is missing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .map(|value| value.trim().to_owned())
        };
        let name = field("Package")?;
        // "Source: name (version)", left away where it is the package's own name.
        let source = field("Source").and_then(|source| source.split(' ').next().map(str::to_owned));
        Some(Self {
            version: field("Version")?,
            source: source.unwrap_or_else(|| name.clone()),
            path: field("Filename")?,
            size: field("Size")?.parse().ok()?,
            sha256: field("SHA256")?,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &str = "Package: linux-image-6.1.0-56-amd64\nSource: linux-signed-amd64 (6.1.192+2)\n\
                          Version: 6.1.192-2\nDescription: a kernel\n for PCs\n\
                          Filename: pool/l/linux.deb\nSize: 70550672\nSHA256: a86e\n";

    #[test]
    fn parse_source_with_version_is_its_name() {
        let stanza = Stanza::parse(KERNEL).unwrap();
        assert_eq!(stanza.source, "linux-signed-amd64");
        assert_eq!((stanza.size, stanza.sha256.as_str()), (70_550_672, "a86e"));
    }

    #[test]
    fn parse_missing_field_is_none() {
        for field in ["Package", "Version", "Filename", "Size", "SHA256"] {
            let text: Vec<_> = KERNEL.lines().filter(|line| !line.starts_with(field)).collect();
            assert_eq!(Stanza::parse(&text.join("\n")), None, "{field}");
        }
    }
}
