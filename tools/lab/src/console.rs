//! What the machine's ports say, read as lines, and those by which dom0's first program tells of results.
//!
//! It marks what the host shall read: `@lab up`, `@lab step NAME`, `@lab | a line of output`,
//! `@lab exit CODE`, `@lab ask NAME REQUEST`, `@lab done`, and `@lab broken WHY`.

/// One line of the port for results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// dom0's tools answer.
    Up,
    /// A step starts.
    Step(String),
    /// A line that the step's command printed.
    Output(String),
    /// The step's command ended.
    Exit(i32),
    /// The scenario wants something of the host, and waits for a line.
    Ask { name: String, request: String },
    /// The scenario's script came to its end.
    Done,
    /// dom0 could not even start the scenario.
    Broken(String),
    /// Not for the host.
    Other,
}

impl Line {
    /// Reads a line; anything that is not whole is `Other`.
    pub(crate) fn parse(line: &str) -> Self {
        let line = line.trim_end_matches(['\r', '\n']);
        let Some(marked) = line.strip_prefix("@lab ") else { return Self::Other };
        let (word, rest) = marked.split_once(' ').unwrap_or((marked, ""));
        match word {
            "up" => Self::Up,
            "step" => Self::Step(rest.to_owned()),
            "|" => Self::Output(rest.to_owned()),
            "exit" => rest.trim().parse().map_or(Self::Other, Self::Exit),
            "ask" => rest.split_once(' ').map_or(Self::Other, |(name, request)| Self::Ask {
                name: name.to_owned(),
                request: request.to_owned(),
            }),
            "done" => Self::Done,
            "broken" => Self::Broken(rest.to_owned()),
            _ => Self::Other,
        }
    }
}

/// Puts a stream of bytes together to lines. A line without end is cut, so that it cannot eat memory.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Room for a picture of a screen of text.
    const LONGEST: usize = 1 << 18;

    /// Takes bytes in, and gives the lines that they complete.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for &byte in bytes {
            if byte == b'\n' || self.open.len() >= Self::LONGEST {
                whole.push(String::from_utf8_lossy(&self.open).trim_end_matches('\r').to_owned());
                self.open.clear();
            }
            if byte != b'\n' {
                self.open.push(byte);
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_marked_lines_are_what_they_say() {
        for (text, expected) in [
            ("@lab up\r", Line::Up),
            ("@lab step xl-list", Line::Step("xl-list".into())),
            ("@lab | Domain-0  0  1536", Line::Output("Domain-0  0  1536".into())),
            ("@lab | ", Line::Output(String::new())),
            ("@lab exit 5", Line::Exit(5)),
            ("@lab ask a ggtt 0x1000", Line::Ask { name: "a".into(), request: "ggtt 0x1000".into() }),
            ("@lab done", Line::Done),
            ("@lab broken no xenstored", Line::Broken("no xenstored".into())),
        ] {
            assert_eq!(Line::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn parse_other_lines_are_no_results() {
        for text in [
            "",
            "(XEN) Freed 656kB init memory",
            "@lab",
            "@lab exit",
            "@lab exit x",
            "@lab exit 99999999999",
            "lab up",
            "x @lab up",
        ] {
            assert_eq!(Line::parse(text), Line::Other, "{text}");
        }
    }

    #[test]
    fn take_split_bytes_make_whole_lines() {
        let mut lines = Lines::default();
        assert!(lines.take(b"@lab ").is_empty());
        assert_eq!(lines.take(b"up\r\nnext\nopen"), ["@lab up", "next"]);
        assert_eq!(lines.take(b"\n"), ["open"]);
    }

    #[test]
    fn take_endless_line_is_cut() {
        let mut lines = Lines::default();
        let cut = lines.take(&vec![b'x'; 3 * Lines::LONGEST]);
        assert!(cut.len() >= 2 && cut.iter().all(|line| line.len() <= Lines::LONGEST));
    }
}
