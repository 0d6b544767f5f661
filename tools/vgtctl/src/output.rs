//! What verbs print: text for people, one JSON object for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::exit_code;
use crate::failure::{self, Failure};

/// The version of every JSON object's layout; keys are added under it, never changed or removed.
pub(crate) const SCHEMA: &str = "vgtctl/1";

/// A verb's result.
pub(crate) struct Report {
    /// The text, with its last newline.
    pub(crate) text: String,
    /// The members of the JSON object.
    pub(crate) json: serde_json::Value,
    /// [`exit_code::DONE`], or another code where there is something to say besides.
    pub(crate) code: u8,
}

impl Report {
    /// A result with nothing to complain about.
    pub(crate) fn done(text: impl Into<String>, json: impl Serialize) -> Result<Self, Failure> {
        let json = serde_json::to_value(json)
            .map_err(|error| Failure::new(exit_code::FAILURE, format!("cannot form JSON: {error}")))?;
        Ok(Self { text: text.into(), json, code: exit_code::DONE })
    }

    pub(crate) fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Prints it to `out`.
    pub(crate) fn print(&self, command: &str, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
        let print = || -> io::Result<()> {
            if as_json {
                let envelope = Envelope { schema: SCHEMA, command, result: &self.json };
                serde_json::to_writer_pretty(&mut *out, &envelope)?;
                writeln!(out)?;
            } else {
                out.write_all(self.text.as_bytes())?;
            }
            out.flush()
        };
        let mut print = print;
        print().map_err(failure::output)
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    schema: &'a str,
    command: &'a str,
    #[serde(flatten)]
    result: &'a serde_json::Value,
}

/// Prints the JSON object of a failure; `command` is the verb, where it was understood.
pub(crate) fn print_failure(
    failure: &Failure,
    command: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    let json = serde_json::json!({
        "schema": SCHEMA,
        "command": command,
        "error": {
            "kind": exit_code::name(failure.code),
            "exit": failure.code,
            "message": failure.message,
            "hint": failure.hint,
        },
    });
    writeln!(out, "{json:#}")?;
    // The text on standard error comes after it.
    out.flush()
}

/// Rows under headings, columns as wide as their widest cell, two spaces between.
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = headings.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let headings = headings.map(str::to_owned);
    for row in std::iter::once(&headings).chain(rows) {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A size in the largest unit that divides it.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        b if b.is_multiple_of(1 << 30) => format!("{} GB", b >> 30),
        b if b.is_multiple_of(1 << 20) => format!("{} MB", b >> 20),
        b if b.is_multiple_of(1 << 10) => format!("{} KB", b >> 10),
        b => format!("{b} B"),
    }
}

/// A number of MB, as the control protocol and `xl` write them.
pub(crate) fn mb(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

/// An address, or anything else that is read in hexadecimal.
pub(crate) fn hex(value: u64) -> String {
    format!("{value:#x}")
}

#[cfg(test)]
mod tests {
    use super::{size, table};

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let rows = [["1".to_owned(), "long cell".to_owned()], ["200".to_owned(), String::new()]];
        assert_eq!(table(["ID", "NAME"], &rows), "ID   NAME\n1    long cell\n200\n");
    }

    #[test]
    fn sizes_take_the_largest_unit_that_divides_them() {
        for (bytes, text) in
            [(0, "0"), (4096, "4 KB"), (3 << 20, "3 MB"), (1 << 30, "1 GB"), (4097, "4097 B")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
