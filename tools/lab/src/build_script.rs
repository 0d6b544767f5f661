//! What the lab builds by scripts from sources with patches of ours: under which hash it is kept, and the scripts' runs,
//! of which it shows the steps that they tell of in lines that start with `== `.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use crate::cache::{Cache, hash_parts};
use crate::error::{LabError, Result};
use crate::progress::{Progress, say};
use crate::run;

/// What all scripts source.
const COMMON: &[u8] = include_bytes!("../build-common.sh");

/// What a script makes of a source with patches, starting from nothing.
#[derive(Debug)]
pub(crate) struct Build<'a> {
    /// The script's directory, and the first word of the cache's ones.
    pub(crate) name: &'static str,
    /// For the user.
    pub(crate) what: String,
    pub(crate) source: &'a Path,
    pub(crate) patches: &'a Path,
    pub(crate) key: String,
    /// That the script tells of, for the bar; it is no harm if there are a few more.
    pub(crate) steps: u64,
}

impl Build<'_> {
    /// Its results. Made if the cache does not have them, which takes minutes.
    pub(crate) fn results(&self, cache: &Cache) -> Result<PathBuf> {
        let path = cache.store(&format!("{}-builds", self.name))?.join(&self.key);
        // What is there needs no waiting for another build, which takes minutes.
        if path.is_dir() {
            return Ok(path);
        }
        let _alone = cache.build_lock()?;
        if path.is_dir() {
            return Ok(path);
        }
        say(&format!("building {} with {}", self.what, self.patches.display()));
        let work = cache.store(&format!("{}-work", self.name))?.join(&self.key);
        if work.exists() {
            fs::remove_dir_all(&work).map_err(LabError::file("empty", &work))?;
        }
        let (tree, out) = (work.join("tree"), work.join("out"));
        for dir in [&tree, &out] {
            fs::create_dir_all(dir).map_err(LabError::file("create", dir))?;
        }
        let result = run(&script(self.name), &[self.source, self.patches, &tree, &out], self.steps);
        if result.is_ok() {
            fs::rename(&out, &path).map_err(LabError::file("create", &path))?;
        }
        fs::remove_dir_all(&work).map_err(LabError::file("remove", &work))?;
        result.map(|()| path)
    }
}

/// What a build is made from: `inputs`, what all scripts source, and the patches of a directory in their order.
pub(crate) fn key<'a>(inputs: impl IntoIterator<Item = &'a [u8]>, patches: &Path) -> Result<String> {
    let read = |path: &Path| fs::read(path).map_err(LabError::file("read", path));
    let mut parts = vec![COMMON.to_vec()];
    parts.extend(inputs.into_iter().map(<[u8]>::to_vec));
    let order = read(&patches.join("series"))?;
    let order = String::from_utf8_lossy(&order);
    for patch in order.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        parts.push(patch.as_bytes().to_vec());
        parts.push(read(&patches.join(patch))?);
    }
    Ok(hash_parts(parts.iter().map(Vec::as_slice)))
}

/// The name of what is in the cache under its hash.
pub(crate) fn hash_of(source: &Path) -> &[u8] {
    source.file_name().unwrap_or_default().as_encoded_bytes()
}

/// The compiler's first line about itself.
pub(crate) fn compiler() -> Result<String> {
    let said = run::stdout(run::command("gcc").arg("--version"))?;
    Ok(said.lines().next().unwrap_or_default().to_owned())
}

/// The script of that directory.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("build.sh")
}

/// Runs the script, which has about so many steps.
pub(crate) fn run(script: &Path, arguments: &[&Path], steps: u64) -> Result<()> {
    let spawn_error = |cause| LabError::Spawn { program: "bash".into(), cause };
    let mut command = run::command("bash");
    command.arg(script).args(arguments.iter().map(AsRef::<OsStr>::as_ref));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn_error)?;
    let errors = child.stderr.take().map(|mut from| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until then is what there is to tell.
            let _ended = from.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    });
    let progress = Progress::new("build", steps);
    if let Some(steps) = child.stdout.take() {
        for line in BufReader::new(steps).lines().map_while(std::result::Result::ok) {
            if let Some(step) = line.strip_prefix("== ") {
                progress.note(step);
                progress.add(1);
            }
        }
    }
    let status = child.wait().map_err(spawn_error)?;
    let said = errors.and_then(|thread| thread.join().ok()).unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    Err(LabError::Program {
        program: script.display().to_string(),
        status: status.to_string(),
        output: run::tail(&said, 40),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_follows_the_inputs_and_the_text_of_each_patch_and_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("1.patch", "one");
        write("2.patch", "two");
        let key_of = |input: &str, order: &str| {
            write("series", order);
            key([input.as_bytes()], dir.path()).unwrap()
        };
        let first = key_of("a", "1.patch\n2.patch\n");
        assert_eq!(key_of("a", "# a remark\n1.patch\n\n2.patch\n"), first);
        assert_ne!(key_of("b", "1.patch\n2.patch\n"), first);
        assert_ne!(key_of("a", "2.patch\n1.patch\n"), first);
        write("2.patch", "three");
        assert_ne!(key_of("a", "1.patch\n2.patch\n"), first);
        write("series", "absent.patch\n");
        let error = key([], dir.path()).unwrap_err();
        assert!(error.to_string().contains("absent.patch"), "{error}");
    }

    #[test]
    fn hash_of_source_is_its_name_wherever_the_cache_is() {
        assert_eq!(hash_of(Path::new("/sources/abc")), hash_of(Path::new("/elsewhere/abc")));
        assert_ne!(hash_of(Path::new("/sources/abc")), hash_of(Path::new("/sources/abd")));
    }

    #[test]
    fn run_script_that_fails_says_why_and_one_that_does_not_gets_its_arguments() {
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("build.sh");
        fs::write(&script, "echo '== step'; echo no disk >&2; cp \"$1\" \"$2\"").unwrap();
        let error = run(&script, &[], 1).unwrap_err().to_string();
        assert!(error.contains("build.sh failed") && error.contains("no disk"), "{error}");
        let copy = dir.path().join("a copy");
        run(&script, &[&script, &copy], 1).unwrap();
        assert!(copy.is_file());
    }
}
