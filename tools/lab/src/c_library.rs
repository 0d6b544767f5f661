//! The C library: Xen's tools are linked with the host's, and run in dom0 with that of the lock, which may be newer but
//! not older. Nothing else needs this: QEMU runs on the host, and the images' own programs are static.

use crate::error::{LabError, Result};
use crate::lock::Lock;
use crate::run;

/// Fails if what this machine links would not run with the lock's C library.
pub(crate) fn fits(lock: &Lock) -> Result<()> {
    let host = run::stdout(run::command("getconf").arg("GNU_LIBC_VERSION"))?;
    let locked = lock.packages.iter().find(|package| package.name == "libc6");
    let locked = locked.ok_or_else(|| LabError::MissingLibrary {
        library: "libc6".to_owned(),
        needed_by: "what the lab builds of Xen".into(),
    })?;
    compare(host.trim(), &locked.version)
}

/// `host` is what getconf says, such as `glibc 2.36`; `locked` a package's version, such as `2.36-9+deb12u14`.
fn compare(host: &str, locked: &str) -> Result<()> {
    let fits = match (host.strip_prefix("glibc ").and_then(numbers), numbers(locked)) {
        (Some(host), Some(locked)) => host <= locked,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(LabError::CLibrary { host: host.to_owned(), locked: locked.to_owned() })
}

/// The first two numbers of a version.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths;

    #[test]
    fn compare_older_and_equal_fit() {
        for host in ["glibc 2.36", "glibc 2.9", "glibc 2.31", "glibc 1.99", "glibc 2.36.1"] {
            assert!(compare(host, "2.36-9+deb12u14").is_ok(), "{host}");
        }
    }

    #[test]
    fn compare_newer_or_unknown_is_refused_with_both_and_a_way_on() {
        for host in ["glibc 2.37", "glibc 2.100", "glibc 3.0", "musl 1.2", ""] {
            let error = compare(host, "2.36-9+deb12u14").unwrap_err();
            let text = error.to_string();
            assert!(text.contains(host) && text.contains("2.36-9+deb12u14"), "{text}");
            assert!(error.hint().unwrap().contains("Debian"), "{host}");
        }
    }

    #[test]
    fn the_lock_names_a_c_library_that_can_be_compared() {
        let lock = Lock::read(&paths::lock()).unwrap();
        let locked = lock.packages.iter().find(|package| package.name == "libc6").unwrap();
        assert!(compare("glibc 2.0", &locked.version).is_ok());
    }
}
