//! The machine: QEMU without hardware virtualisation, with the flags that real Xen needs there.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::error::{LabError, Result};
use crate::image::Images;
use crate::{gpu, paths, picture};

/// SMAP: with it, Xen's create_bounce_frame faults in TCG and dom0 dies of its first exception. RDTSCP: TCG has no
/// NRIPS, so Xen cannot step over it in an HVM guest. The rest are slow in emulation and nothing here needs them.
const CPU: &str = "max,-smap,-la57,-pku,-pks,-rdtscp";

/// With Xen's assertions all that guests print would be in between, unless one says what is the rule without them.
const XEN_OPTIONS: &str = "console=com1 com1=115200,8n1 loglvl=warning guest_loglvl=none/warning dom0_mem=1536M \
                           spec-ctrl=no no-bootscrub dom0_max_vcpus=";

/// The machine's memory.
const MEGABYTES: u32 = 4096;

/// QEMU's own, most of it for what it has translated: of that it keeps up to 1 GB.
const MEGABYTES_OF_QEMU: u32 = 1024;

/// What a machine takes of the host's memory once it has touched all of its own.
pub(crate) const MEGABYTES_ON_HOST: u32 = MEGABYTES + MEGABYTES_OF_QEMU;

const DOM0_OPTIONS: &str = "console=hvc0 quiet mitigations=off tsc=reliable rdinit=/init";

/// Without the word, Linux measures whether timer interrupts come, for too short a time on a busy host.
const BARE_OPTIONS: &str =
    "console=ttyS0 quiet mitigations=off tsc=reliable no_timer_check rdinit=/init lab.bare";

/// What to boot, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    /// The unpacked packages, which have the firmware.
    pub(crate) tree: PathBuf,
    /// The QEMU that runs it.
    pub(crate) emulator: PathBuf,
    pub(crate) images: Images,
    /// Whether Linux runs without Xen.
    pub(crate) bare: bool,
    /// Of the machine and of dom0. With two, guests are slower: see the README.
    pub(crate) processors: u8,
    /// What dom0 shall do: a word of its command line.
    pub(crate) task: String,
    /// The GPU model at 00:02.0.
    pub(crate) gpu: Option<gpu::Model>,
}

/// Where something that the machine says comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// The first serial port, where Xen and Linux say what they like, and QEMU's own errors.
    Console,
    /// The second one, where only dom0's first program speaks: no message can stand in the middle of a line.
    Results,
}

/// What came out of a port, in pieces of any size.
pub(crate) type Said = (Port, Vec<u8>);

/// The ports of a machine that nobody sits at: results on QEMU's standard streams, and the console on standard error.
const PORTS: &[&str] = &[
    "-display",
    "none",
    "-monitor",
    "none",
    "-chardev",
    "file,id=console,path=/dev/stderr",
    "-serial",
    "chardev:console",
    "-chardev",
    "stdio,id=results,signal=off",
    "-serial",
    "chardev:results",
];

/// A machine that runs. It dies with this value, and with this process.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// The other direction of the port for results.
    input: Option<ChildStdin>,
    /// Ends after the machine.
    gpu: Option<gpu::Served>,
}

impl Machine {
    /// The command that starts it, but for its ports.
    pub(crate) fn command(&self, gpu: Option<&gpu::Served>) -> Command {
        // The machine must not outlive the lab, not even one that was killed: util-linux can ask the kernel for that.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]);
        command.arg(&self.emulator);
        for data in ["usr/share/qemu", "usr/share/seabios"] {
            command.arg("-L").arg(self.tree.join(data));
        }
        let Images { kernel, hypervisor, initramfs } = &self.images;
        command.args([
            "-machine",
            "q35",
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            CPU,
            "-smp",
            &self.processors.to_string(),
            "-m",
            &MEGABYTES.to_string(),
        ]);
        command.args(gpu.map(|gpu| gpu.arguments(MEGABYTES)).unwrap_or_default());
        command.args(["-no-reboot", "-nic", "none"]);
        if self.bare {
            command.arg("-kernel").arg(kernel).arg("-initrd").arg(initramfs);
            command.arg("-append").arg(format!("{BARE_OPTIONS} {}", self.task));
            return command;
        }
        command
            .arg("-kernel")
            .arg(hypervisor)
            .arg("-append")
            .arg(format!("{XEN_OPTIONS}{}", self.processors));
        let modules = format!("{} {DOM0_OPTIONS} {},{}", quoted(kernel), self.task, quoted(initramfs));
        command.arg("-initrd").arg(modules);
        command
    }

    /// Starts it with its console on this process's terminal.
    pub(crate) fn start_on_terminal(&self) -> Result<Running> {
        let gpu = self.start_gpu()?;
        let mut command = self.command(gpu.as_ref());
        self.spawn(command.arg("-nographic"), gpu)
    }

    /// Starts it with what its ports say as streams of bytes, which end when the machine does.
    pub(crate) fn start(&self) -> Result<(Running, Receiver<Said>)> {
        let gpu = self.start_gpu()?;
        let mut command = self.command(gpu.as_ref());
        command.args(PORTS).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = self.spawn(&mut command, gpu)?;
        running.input = running.child.stdin.take();
        let (send, receive) = mpsc::channel();
        if let Some(out) = running.child.stdout.take() {
            forward(Port::Results, out, send.clone());
        }
        if let Some(errors) = running.child.stderr.take() {
            forward(Port::Console, errors, send);
        }
        Ok((running, receive))
    }

    fn start_gpu(&self) -> Result<Option<gpu::Served>> {
        let Some(model) = &self.gpu else { return Ok(None) };
        let logs = paths::target(&paths::repository()?).join("lab-logs");
        fs::create_dir_all(&logs).map_err(LabError::file("create", &logs))?;
        // Several machines may run at once; a shell's task has no name.
        let name = self.task.rsplit('=').next().unwrap_or_default();
        model.serve(&logs.join(format!("{name}-model.log"))).map(Some)
    }

    fn spawn(&self, command: &mut Command, gpu: Option<gpu::Served>) -> Result<Running> {
        let child = command.spawn().map_err(|cause| LabError::Spawn { program: "setpriv".into(), cause })?;
        Ok(Running { child, input: None, gpu })
    }
}

impl Running {
    /// Does what a scenario asks of the host, and lets it go on. A picture, the screen's or one that dom0 has made, is put
    /// at `picture`.
    pub(crate) fn ask(&mut self, request: &str, picture: &Path) -> Result<Vec<String>> {
        let Some(gpu) = &self.gpu else {
            return Err(LabError::Expectation(format!("{request} was asked of a GPU, and there is none")));
        };
        let lines = match request {
            "process" => gpu.process()?,
            _ if request.starts_with("keep ") => {
                let bytes = picture::from_hex(request.trim_start_matches("keep "))?;
                fs::write(picture, &bytes).map_err(LabError::file("write", picture))?;
                picture::describe(&bytes)?
            }
            "screenshot" => {
                let answer = gpu.ask(request)?;
                fs::write(picture, &answer).map_err(LabError::file("write", picture))?;
                picture::describe(&answer)?
            }
            _ => String::from_utf8_lossy(&gpu.ask(request)?).lines().map(str::to_owned).collect(),
        };
        if let Some(input) = &mut self.input {
            input
                .write_all(format!("{}\n", reply(&lines)).as_bytes())
                .map_err(|cause| LabError::Spawn { program: "QEMU".into(), cause })?;
        }
        Ok(lines)
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().map_err(|cause| LabError::Spawn { program: "QEMU".into(), cause })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What dom0 is told of an answer: its first line, of which a terminal takes that much.
fn reply(lines: &[String]) -> &str {
    lines.first().filter(|line| line.is_ascii() && line.len() < 100).map_or("", String::as_str)
}

fn forward(port: Port, mut from: impl Read + Send + 'static, to: mpsc::Sender<Said>) {
    thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(length) = from.read(&mut block) {
            let bytes = block.get(..length).unwrap_or_default();
            if bytes.is_empty() || to.send((port, bytes.to_vec())).is_err() {
                break;
            }
        }
    });
}

/// QEMU's list of modules is split at commas; a doubled one stands for itself.
fn quoted(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            tree: "/tree".into(),
            emulator: "/qemu".into(),
            images: Images { kernel: "/k".into(), hypervisor: "/x".into(), initramfs: "/a,b".into() },
            bare: false,
            processors: 1,
            task: "lab.scenario=plumbing".into(),
            gpu: None,
        }
    }

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn command_modules_are_kernel_with_task_then_initramfs() {
        let words = words(&machine().command(None));
        let modules = &words[words.iter().position(|word| word == "-initrd").unwrap() + 1];
        assert!(modules.starts_with("/k console=hvc0 "), "{modules}");
        assert!(modules.ends_with(" lab.scenario=plumbing,/a,,b"), "{modules}");
    }

    #[test]
    fn command_bare_machine_boots_the_kernel_itself() {
        let words = words(&Machine { bare: true, ..machine() }.command(None));
        let after = |option: &str| &words[words.iter().position(|word| word == option).unwrap() + 1];
        assert_eq!((after("-kernel").as_str(), after("-initrd").as_str()), ("/k", "/a,b"));
        assert!(after("-append").ends_with(" lab.bare lab.scenario=plumbing"));
    }

    #[test]
    fn command_runs_the_emulator_with_the_firmware_of_the_packages() {
        let words = words(&machine().command(None));
        assert_eq!(words[3..6], ["/qemu", "-L", "/tree/usr/share/qemu"]);
    }

    #[test]
    fn drop_running_machine_is_killed() {
        let child = Command::new("sleep").arg("1000").spawn().unwrap();
        let process = PathBuf::from(format!("/proc/{}", child.id()));
        assert!(process.exists());
        drop(Running { child, input: None, gpu: None });
        assert!(!process.exists());
    }
}
