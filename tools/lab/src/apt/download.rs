//! Downloads of files whose address and hash are known: no lists of packages are needed for that.

use std::path::Path;

use crate::error::Result;
use crate::run;

/// How a download ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The files are there; their hashes are not checked yet.
    Done,
    /// The archive answers, and has not (or no longer) what was asked for.
    Gone,
    /// The archive cannot be reached, or the download broke; what apt said.
    Failed(String),
}

/// Downloads files with apt's own client, so that its proxies and mirrors hold here too.
pub(crate) fn download(files: &[(String, &Path)]) -> Result<Outcome> {
    let mut command = run::command("/usr/lib/apt/apt-helper");
    command.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2", "download-file"]);
    for (uri, path) in files {
        // The third is a hash to check. The lab checks it itself, and says which file is wrong.
        command.arg(uri).arg(path).arg("");
    }
    let output = run::output(&mut command)?;
    Ok(if output.status.success() { Outcome::Done } else { judge(&String::from_utf8_lossy(&output.stderr)) })
}

fn judge(said: &str) -> Outcome {
    let errors: Vec<_> = said.lines().filter(|line| line.starts_with("E: Failed to fetch")).collect();
    let gone = |line: &&str| line.contains(" 404 ") || line.contains(" 410 ");
    if !errors.is_empty() && errors.iter().all(gone) {
        Outcome::Gone
    } else {
        Outcome::Failed(run::tail(said, 5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: &str = "E: Failed to fetch http://archive/a.deb  404  Not Found [IP: 192.0.2.1 80]\n";
    const DOWN: &str = "E: Failed to fetch http://archive/b.deb  Could not connect to 192.0.2.1\n";

    #[test]
    fn judge_only_missing_files_is_gone() {
        assert_eq!(judge(&format!("{GONE}E: Download Failed\n")), Outcome::Gone);
    }

    #[test]
    fn judge_no_connection_is_failure_even_beside_a_missing_file() {
        assert!(matches!(judge(&format!("{GONE}{DOWN}E: Download Failed\n")), Outcome::Failed(_)));
        assert!(matches!(judge("E: something else\n"), Outcome::Failed(_)));
        assert!(matches!(judge(""), Outcome::Failed(_)));
    }
}
