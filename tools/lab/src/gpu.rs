//! The GPU model: a process beside the machine's, and how QEMU is connected to it.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tempfile::TempDir;

use crate::error::{LabError, Result};
use crate::{paths, run};

/// How long the model may take to listen.
const START: Duration = Duration::from_secs(30);

/// The model's program.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    program: PathBuf,
}

/// A model that runs. It dies with this value, and with this process.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    directory: TempDir,
}

impl Model {
    /// Builds it. cargo itself knows whether there is anything to do.
    pub(crate) fn ready() -> Result<Self> {
        let root = paths::repository()?;
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = run::command(cargo);
        run::stdout(command.current_dir(&root).args(["build", "--quiet", "--package", "igd-model"]))?;
        Ok(Self { program: paths::target(&root).join("debug/igd-model") })
    }

    /// Starts the model; its messages go to `log`.
    pub(crate) fn serve(&self, log: &Path) -> Result<Served> {
        let directory =
            tempfile::tempdir().map_err(LabError::file("create a directory in", &env::temp_dir()))?;
        let messages = fs::File::create(log).map_err(LabError::file("create", log))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).arg("serve");
        command.arg("--socket").arg(socket(directory.path()));
        command.arg("--control").arg(control(directory.path()));
        command.args(["--wait", "60"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
        let spawn_error = |cause| LabError::Spawn { program: "igd-model".into(), cause };
        let mut served = Served { child: command.spawn().map_err(spawn_error)?, directory };
        let end = Instant::now() + START;
        while !served.socket().exists() {
            if served.child.try_wait().map_err(spawn_error)?.is_some() || Instant::now() >= end {
                let output = run::tail(&fs::read_to_string(log).unwrap_or_default(), 20);
                let status = "it does not listen".to_owned();
                return Err(LabError::Program { program: "igd-model".into(), status, output });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(served)
    }
}

impl Served {
    fn socket(&self) -> PathBuf {
        socket(self.directory.path())
    }

    /// Asks the model; a request that it refuses is an error.
    pub(crate) fn ask(&self, request: &str) -> Result<Vec<u8>> {
        let path = control(self.directory.path());
        let exchange = || {
            let mut socket = UnixStream::connect(&path)?;
            socket.set_read_timeout(Some(START))?;
            socket.write_all(request.as_bytes())?;
            socket.shutdown(Shutdown::Write)?;
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(LabError::file("ask", &path))?;
        match answer.strip_prefix(b"error: ") {
            Some(why) => Err(LabError::Expectation(format!(
                "the GPU model refuses {request}: {}",
                String::from_utf8_lossy(why).trim_end()
            ))),
            None => Ok(answer),
        }
    }

    /// What its process holds: memory of its own, open files and maps, each on a line.
    pub(crate) fn process(&self) -> Result<Vec<String>> {
        let path = PathBuf::from(format!("/proc/{}", self.child.id()));
        let text = |name: &str| {
            let file = path.join(name);
            fs::read_to_string(&file).map_err(LabError::file("read", &file))
        };
        let status = text("status")?;
        let anonymous =
            status.lines().find_map(|line| line.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB"));
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let files = path.join("fd");
        let descriptors = fs::read_dir(&files).map_err(LabError::file("read", &files))?.count();
        Ok(vec![
            format!("anonymous-kb {}", anonymous.unwrap_or_default()),
            format!("resident-kb {}", resident.unwrap_or_default()),
            format!("descriptors {descriptors}"),
            format!("maps {}", text("maps")?.lines().count()),
        ])
    }

    /// What QEMU is told, for a machine with that much memory: the GPU reaches it by a file.
    pub(crate) fn arguments(&self, megabytes: u32) -> Vec<String> {
        let socket = self.socket();
        let device = format!(
            r#"{{"driver":"vfio-user-pci","addr":"2.0","socket":{{"path":"{}","type":"unix"}}}}"#,
            socket.display()
        );
        [
            "-machine",
            "memory-backend=gpu-reaches",
            "-object",
            &format!("memory-backend-memfd,id=gpu-reaches,size={megabytes}M,share=on"),
            "-vga",
            "none",
            "-device",
            &device,
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It ends by itself when the machine does, which is as good.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("gpu")
}

fn control(directory: &Path) -> PathBuf {
    directory.join("control")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn model(script: &str, directory: &Path) -> Model {
        let program = directory.join("model");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Model { program }
    }

    #[test]
    fn serve_waits_until_it_listens_and_ends_it_on_drop() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let script = "echo \"$@\" >&2; sleep 0.2; touch \"$3\"; exec sleep 1000";
        let served = model(script, dir.path()).serve(&log).unwrap();
        let process = PathBuf::from(format!("/proc/{}", served.child.id()));
        assert!(process.exists() && served.socket().exists());
        let said = fs::read_to_string(&log).unwrap();
        assert!(said.starts_with("serve --socket /"), "{said}");
        let holds = served.process().unwrap();
        let numbers = holds.iter().map(|line| line.split_once(' ').unwrap().1.parse::<u64>().unwrap());
        assert!(numbers.clone().count() == 4 && numbers.min() > Some(0), "{holds:?}");
        let arguments = served.arguments(512).join(" ");
        assert!(arguments.contains("size=512M") && arguments.contains("\"addr\":\"2.0\""), "{arguments}");
        drop(served);
        assert!(!process.exists());
    }

    #[test]
    fn serve_model_that_dies_says_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let error =
            model("echo no memory >&2; exit 1", dir.path()).serve(&dir.path().join("log")).unwrap_err();
        assert!(error.to_string().contains("no memory"), "{error}");
    }
}
