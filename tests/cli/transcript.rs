//! Transcripts: Markdown whose `console` blocks are typed into a shell and must print what they show.
//!
//! A line `$ COMMAND` is run by `sh`; a line `? N` after it is the exit code where that is not 0; the rest, up
//! to the next `$` or the block's end, is what standard output and standard error show, without blank lines at
//! the end. All blocks of a file share one directory, empty at first and written `[CWD]`. Nothing is a
//! wildcard: what is not the same in every run has no place in a transcript, or is cut off by the command.
//!
//! `XENGT_GOLDEN=overwrite` writes what was seen into the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::program;

/// One command with what it should do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) command: String,
    pub(crate) code: i32,
    pub(crate) output: String,
}

/// A file in pieces: prose as it is, and the steps of each block.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Prose(String),
    Block(Vec<Step>),
}

/// The steps of all blocks in `path`.
pub(crate) fn steps(path: &Path) -> Vec<Step> {
    parse(&read(path))
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Block(steps) => Some(steps),
            Piece::Prose(_) => None,
        })
        .flatten()
        .collect()
}

/// How many blocks `path` has.
pub(crate) fn blocks(path: &Path) -> usize {
    parse(&read(path)).iter().filter(|piece| matches!(piece, Piece::Block(_))).count()
}

/// Runs the transcript in `path`; all differences are told at once.
pub(crate) fn check(path: &Path) {
    check_text(path, &read(path), |seen| seen);
}

/// Runs a file that is one block, without the marks around it.
pub(crate) fn check_plain(path: &Path) {
    let marked = format!("```console\n{}```\n", read(path));
    check_text(path, &marked, |seen| seen.replace("```console\n", "").replace("\n```\n", ""));
}

fn check_text(path: &Path, text: &str, unmark: impl Fn(String) -> String) {
    let dir = tempfile::tempdir().unwrap();
    // Some transcripts look at the host as somebody who is not its owner.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let pieces = parse(text);
    let seen: Vec<Piece> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Prose(text) => Piece::Prose(text.clone()),
            Piece::Block(steps) => Piece::Block(steps.iter().map(|step| run(step, dir.path())).collect()),
        })
        .collect();
    if std::env::var_os("XENGT_GOLDEN").is_some_and(|mode| mode == "overwrite") {
        fs::write(path, unmark(render(&seen))).unwrap();
        return;
    }
    let differences: Vec<String> =
        pieces.iter().zip(&seen).filter(|(wanted, seen)| wanted != seen).map(difference).collect();
    assert!(differences.is_empty(), "{}:\n{}", path.display(), differences.join("\n"));
}

fn difference((wanted, seen): (&Piece, &Piece)) -> String {
    let (Piece::Block(wanted), Piece::Block(seen)) = (wanted, seen) else { return String::new() };
    wanted
        .iter()
        .zip(seen)
        .filter(|(wanted, seen)| wanted != seen)
        .map(|(wanted, seen)| format!("--- expected\n{}--- seen\n{}", show(wanted), show(seen)))
        .collect()
}

fn run(step: &Step, dir: &Path) -> Step {
    // README runs the command as one who has only just cloned the tree.
    let line = step.command.replace("cargo run --release -p vgtctl -- ", "vgtctl ");
    let mut path = program::vgtctl().parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut shell = Command::new("sh");
    program::quiet_environment(&mut shell);
    let done = shell
        .arg("-c")
        .arg(format!("exec 2>&1 </dev/null\n{line}"))
        .current_dir(dir)
        .env("PATH", path)
        .env("XDG_RUNTIME_DIR", dir)
        .env("GOLDEN", program::repository().join("tests/golden"))
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&done.stdout).replace(dir.to_str().unwrap(), "[CWD]");
    assert!(output.is_empty() || output.ends_with('\n'), "{line}: the last line is not ended: {output:?}");
    Step {
        command: step.command.clone(),
        code: done.status.code().unwrap_or(-1),
        output: output.trim_end_matches('\n').to_owned(),
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parse(text: &str) -> Vec<Piece> {
    let (mut pieces, mut prose, mut block) = (Vec::new(), String::new(), None::<Vec<Step>>);
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```console") => {
                pieces.push(Piece::Prose(std::mem::take(&mut prose)));
                block = Some(Vec::new());
            }
            (None, line) => prose += &format!("{line}\n"),
            (Some(_), "```") => pieces.push(Piece::Block(block.take().unwrap())),
            (Some(steps), line) => take_line(steps, line),
        }
    }
    assert!(block.is_none(), "a block is not closed");
    pieces.push(Piece::Prose(prose));
    for piece in &mut pieces {
        if let Piece::Block(steps) = piece {
            steps.iter_mut().for_each(|step| step.output = step.output.trim_matches('\n').to_owned());
        }
    }
    pieces
}

fn take_line(steps: &mut Vec<Step>, line: &str) {
    if let Some(command) = line.strip_prefix("$ ") {
        steps.push(Step { command: command.to_owned(), code: 0, output: String::new() });
        return;
    }
    let step = steps.last_mut().unwrap_or_else(|| panic!("{line:?} comes before any command"));
    match line.strip_prefix("? ").and_then(|code| code.parse().ok()) {
        Some(code) if step.output.is_empty() => step.code = code,
        _ => step.output += &format!("\n{line}"),
    }
}

fn show(step: &Step) -> String {
    let code = if step.code == 0 { String::new() } else { format!("? {}\n", step.code) };
    let output = if step.output.is_empty() { String::new() } else { format!("{}\n", step.output) };
    format!("$ {}\n{code}{output}", step.command)
}

fn render(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Prose(text) => text.clone(),
            Piece::Block(steps) => {
                let steps: Vec<_> = steps.iter().map(show).collect();
                format!("```console\n{}\n```\n", steps.join("\n"))
            }
        })
        .collect()
}

#[test]
fn a_transcript_is_read_and_written_back_unchanged() {
    let text = "Prose.\n\n```console\n$ vgtctl list\nno vGPUs\n\n$ false\n? 1\n\n$ true\n\n```\nEnd.\n";
    let pieces = parse(text);
    let Piece::Block(steps) = &pieces[1] else { panic!("{pieces:?}") };
    let codes: Vec<_> = steps.iter().map(|step| (step.code, step.output.as_str())).collect();
    assert_eq!(codes, [(0, "no vGPUs"), (1, ""), (0, "")]);
    assert_eq!(render(&pieces), text);
}

#[test]
fn a_step_that_does_something_else_is_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = Step { command: "echo a; exit 3".into(), code: 3, output: "a".into() };
    assert_eq!(run(&wanted, dir.path()), wanted);
    for wrong in [Step { code: 0, ..wanted.clone() }, Step { output: "b".into(), ..wanted.clone() }] {
        assert_ne!(run(&wrong, dir.path()), wrong);
    }
}
