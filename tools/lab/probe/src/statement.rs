//! What a guest says of its tables: the lines of `lab-guest tables`, whose file tables.c explains them.

use std::error::Error;

use libxengt::addr::parse_u64;

/// A graphics address space of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    Ppgtt,
    Ggtt,
}

/// Where an address must lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// To this byte, by a page of this size, where the guest keeps this word.
    Map {
        gpa: u64,
        size: String,
        writable: bool,
        value: Option<u64>,
    },
    Hole,
    /// To memory that is not there.
    Gone {
        gpa: u64,
    },
    /// Into a table that is not there.
    Fault,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Statement {
    Pml4(u64),
    Ggtt {
        gpa: u64,
        bytes: u64,
    },
    /// So many pages of the GGTT lead to memory that was free.
    Free {
        at: u64,
        pages: u64,
    },
    Address {
        space: Space,
        at: u64,
        expected: Expected,
    },
    End,
}

/// Reads all lines; those before the first one of ours are someone else's.
pub(crate) fn parse(text: &str) -> Result<Vec<Statement>, Box<dyn Error>> {
    let lines = text.lines().skip_while(|line| !line.starts_with("pml4 "));
    let mut all = Vec::new();
    for line in lines {
        all.push(statement(line).ok_or_else(|| format!("the guest said {line:?}, which is no statement"))?);
        if all.last() == Some(&Statement::End) {
            return Ok(all);
        }
    }
    Err(format!("the guest made {} statements and no end", all.len()).into())
}

fn statement(line: &str) -> Option<Statement> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |text: &str| parse_u64(text, u64::MAX).ok();
    let at = |space: &str, at: &str, expected| {
        let space = match space {
            "ppgtt" => Space::Ppgtt,
            "ggtt" => Space::Ggtt,
            _ => return None,
        };
        Some(Statement::Address { space, at: number(at)?, expected })
    };
    match *words.as_slice() {
        ["pml4", gpa] => Some(Statement::Pml4(number(gpa)?)),
        ["ggtt", gpa, bytes] => Some(Statement::Ggtt { gpa: number(gpa)?, bytes: number(bytes)? }),
        ["map", space, va, gpa, size, access @ ("writable" | "read-only"), value] => {
            let value = if value == "-" { None } else { Some(number(value)?) };
            let (gpa, size) = (number(gpa)?, size.to_owned());
            at(space, va, Expected::Map { gpa, size, writable: access == "writable", value })
        }
        ["hole", space, va] => at(space, va, Expected::Hole),
        ["gone", space, va, gpa] => at(space, va, Expected::Gone { gpa: number(gpa)? }),
        ["fault", space, va] => at(space, va, Expected::Fault),
        ["free", "ggtt", va, pages] => Some(Statement::Free { at: number(va)?, pages: number(pages)? }),
        ["end"] => Some(Statement::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Space, Statement, parse};

    #[test]
    fn parse_whole_text_is_every_statement() {
        let text = "noise\npml4 0x1000\nmap ppgtt 0x20 0x3020 4K writable 0x7\nhole ggtt 0x7000\nend\nlate";
        let all = parse(text).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(all[0], Statement::Pml4(0x1000));
        let map = Expected::Map { gpa: 0x3020, size: "4K".into(), writable: true, value: Some(7) };
        assert_eq!(all[1], Statement::Address { space: Space::Ppgtt, at: 0x20, expected: map });
    }

    #[test]
    fn parse_half_a_text_or_a_broken_line_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("pml4 0x1000\n").is_err());
        let error = parse("pml4 0x1000\nmap ppgtt 0x20 0x3020\nend").unwrap_err();
        assert!(error.to_string().contains("map ppgtt 0x20 0x3020"), "{error}");
    }
}
