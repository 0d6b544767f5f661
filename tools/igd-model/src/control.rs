//! The control socket: one line asks, the answer ends with the connection.
//!
//! | request | answer |
//! |---|---|
//! | `screenshot` | what pipe A scans out, as PNG |
//! | `unknown` | the registers that nothing declares, one a line: offset, reads, writes, last value |
//! | `ggtt ADDRESS` | where a global graphics address leads |
//! | `ggtt` | the entries of the global table that are not 0, one a line: graphics address, entry |
//! | `plant ADDRESS ENTRY` | writes the entry of the global table for an address; answers the old one; see below |
//! | `fences` | the 32 fence registers, one a line |
//! | `engines` | the state of each engine |
//! | `contexts` | the contexts that ran, the latest first: root of the page tables, image, engine |
//! | `contexts ADDRESS` | those of them that map this address of their own space |
//! | `ppgtt ROOT` | the leaves of four-level tables, one a line: graphics address, entry, bytes; see below |
//!
//! `ppgtt` leaves out entries that their table holds more than once: i915 lets every unused one lead to a scratch page.
//!
//! `plant` is for tests of audits alone: nothing checks what the entry leads to, and no driver knows of it.
//!
//! A request that fails is answered with a line that starts with `error: `.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::str::FromStr;

use libxengt::addr::{HostGma, Maddr, PAGE_SIZE, ParseNumberError, PpgttAddr, parse_u64};

use crate::device::Device;
use crate::display::screenshot;

/// The longest request in bytes.
const MAX_REQUEST: u64 = 256;
/// What can be asked.
const REQUESTS: &str = "screenshot, unknown, engines, contexts [ADDRESS], fences, ggtt [ADDRESS], ppgtt ROOT, plant ADDRESS ENTRY";
/// What a failure's answer starts with.
pub const ERROR: &str = "error: ";

/// Reads one request from `socket` and answers it.
///
/// # Errors
/// What the socket answers.
pub fn answer(mut socket: &UnixStream, device: &Device) -> io::Result<()> {
    let mut line = String::new();
    BufReader::new(socket.take(MAX_REQUEST)).read_line(&mut line)?;
    let request = line.trim_end();
    let mut words = request.split_whitespace();
    let mut next = || words.next();
    let reply = match (next(), next(), next(), next()) {
        (Some("screenshot"), None, None, None) => screenshot::png(device).map_err(|error| error.to_string()),
        (Some("unknown"), None, None, None) => Ok(device.registers().unknown_report().into_bytes()),
        (Some("engines"), None, None, None) => Ok(device.engines_report().into_bytes()),
        (Some("ggtt"), None, None, None) => Ok(device.gtt().report().into_bytes()),
        (Some("fences"), None, None, None) => Ok(device.registers().fences_report().into_bytes()),
        (Some("ggtt"), Some(address), None, None) => translate(device, address).map(String::into_bytes),
        (Some("plant"), Some(address), Some(entry), None) => {
            plant(device, address, entry).map(String::into_bytes)
        }
        (Some("contexts"), None, None, None) => Ok(device.contexts_report(None).into_bytes()),
        (Some("contexts"), Some(address), None, None) => {
            number(address, PpgttAddr::from_str).map(|at| device.contexts_report(Some(at)).into_bytes())
        }
        (Some("ppgtt"), Some(root), None, None) => {
            number(root, Maddr::from_str).and_then(|root| device.ppgtt_report(root)).map(String::into_bytes)
        }
        _ => Err(format!("`{request}` is none of: {REQUESTS}")),
    };
    match reply {
        Ok(bytes) => socket.write_all(&bytes),
        Err(error) => socket.write_all(format!("{ERROR}{error}\n").as_bytes()),
    }
}

/// What a word of a request says, as `parse` reads it.
fn number<T>(word: &str, parse: impl Fn(&str) -> Result<T, ParseNumberError>) -> Result<T, String> {
    parse(word).map_err(|error| format!("{word}: {error}"))
}

fn translate(device: &Device, address: &str) -> Result<String, String> {
    let gma = number(address, HostGma::from_str)?;
    match device.gtt().translate(gma) {
        Some(maddr) => Ok(format!("{maddr}\n")),
        None => Err(format!("{gma} maps nothing")),
    }
}

fn plant(device: &Device, address: &str, entry: &str) -> Result<String, String> {
    let gma = number(address, HostGma::from_str)?;
    let entry = number(entry, |word| parse_u64(word, u64::MAX))?;
    if !gma.get().is_multiple_of(PAGE_SIZE) {
        return Err(format!("{gma} is not the start of a page"));
    }
    let old = device.gtt().replace(gma, entry).ok_or_else(|| format!("the table has no entry for {gma}"))?;
    Ok(format!("{old:#x}\n"))
}
