//! What the kernel shows of one vGPU: the nodes of `vm<domid>`.
//!
//! | node | content | since |
//! |---|---|---|
//! | `vgpu_id` | decimal id, 1 to 7 | every kernel |
//! | `type` | the type's name: `GVTg_V5_8` | our kernel |
//! | `aperture`, `hidden` | guest base, host base and size in hexadecimal bytes, space-separated | our kernel |
//! | `fences` | the host's fence registers it owns, decimal, space-separated, in guest order | our kernel |
//! | `state` | `active` or `paused` | our kernel |
//! | `domid` | the domain's id, decimal: that of the directory's name | our kernel |
//! | `stats` | a counter's name and its decimal value on each line; see [`Counters`](super::Counters) | our kernel |

use core::fmt;
use core::str::FromStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::addr::{DomId, GuestGma, HostGma};
use crate::capacity::{GPU_FENCES, MAX_INSTANCES};
use crate::fence::FenceIndex;
use crate::node::{self, NodeError, optional};
use crate::root::Root;
use crate::window::{Slice, Window};

/// How often a vGPU is read again that was destroyed and made anew under our eyes.
const MAX_TRIES: u32 = 8;

/// Whether the GPU's scheduler runs a vGPU's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It does.
    Active,
    /// It does not, until resumed.
    Paused,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Paused => "paused",
        })
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "active" => Ok(Self::Active),
            "paused" => Ok(Self::Paused),
            _ => Err(()),
        }
    }
}

/// One vGPU. What the kernel does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vgpu {
    /// The domain it belongs to.
    pub domid: DomId,
    /// The kernel's id of it, 1 to 7.
    pub id: u32,
    /// Its type's name.
    pub type_name: Option<String>,
    /// Its slice of graphics memory.
    pub window: Option<Window>,
    /// The host's fence registers it owns; the guest's fence 0 is the first.
    pub fences: Option<Vec<FenceIndex>>,
    /// Whether it runs.
    pub state: Option<State>,
}

impl Vgpu {
    /// Reads the nodes of `domid`'s vGPU; `None` if it has none.
    ///
    /// # Errors
    /// [`NodeError`] if a node is unreadable or says what it should not.
    pub fn read(root: &Root, domid: DomId) -> Result<Option<Self>, NodeError> {
        let dir = root.vm(domid);
        let mut before = identity(&dir)?;
        let mut tries = 0;
        loop {
            if before.is_none() {
                return Ok(None);
            }
            let read = Self::read_nodes(&dir, domid);
            let after = identity(&dir)?;
            tries += 1;
            if after == before || tries == MAX_TRIES {
                return read.map(Some);
            }
            // Destroyed meanwhile, and perhaps made anew: what was read may be half of each.
            before = after;
        }
    }

    fn read_nodes(dir: &Path, domid: DomId) -> Result<Self, NodeError> {
        let path = dir.join("vgpu_id");
        const ID: &str = "a vGPU id from 1 to 7";
        let id: u32 = node::read_value(&path, ID)?;
        if id == 0 || id > MAX_INSTANCES {
            return Err(NodeError::garbage(&path, &id.to_string(), ID));
        }
        optional(&dir.join("domid"), |path| read_domid(path, domid))?;
        Ok(Self {
            domid,
            id,
            type_name: optional(&dir.join("type"), read_name)?,
            window: read_window(dir)?,
            fences: optional(&dir.join("fences"), read_fences)?,
            state: optional(&dir.join("state"), |path| node::read_value(path, "`active` or `paused`"))?,
        })
    }
}

/// What tells a directory from its successor of the same name, which may well get the same inode; `None` if
/// it is not there.
fn identity(dir: &Path) -> Result<Option<(u64, i64, i64)>, NodeError> {
    match fs::metadata(dir) {
        Ok(meta) => Ok(Some((meta.ino(), meta.ctime(), meta.ctime_nsec()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(NodeError::new(dir, error)),
    }
}

/// Reads the domain's id, of which the directory's name has told already.
fn read_domid(path: &Path, domid: DomId) -> Result<(), NodeError> {
    const DOMID: &str = "the domain's id, as in the directory's name";
    let text = node::read_text(path, DOMID)?;
    if text == domid.to_string() { Ok(()) } else { Err(NodeError::garbage(path, &text, DOMID)) }
}

fn read_name(path: &Path) -> Result<String, NodeError> {
    const NAME: &str = "a type's name such as GVTg_V5_8";
    let name = node::read_text(path, NAME)?;
    // The name is printed on terminals: letters, digits and underscores only.
    let plain = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { Ok(name) } else { Err(NodeError::garbage(path, &name, NAME)) }
}

fn read_window(dir: &Path) -> Result<Option<Window>, NodeError> {
    const WINDOW: &str = "a range apart from the aperture, both ballooned or both zero-based";
    let (aperture, hidden) = (dir.join("aperture"), dir.join("hidden"));
    let (Some(low), Some(high)) = (optional(&aperture, read_slice)?, optional(&hidden, read_slice)?) else {
        return Ok(None);
    };
    let (aperture, high_host) = ((low.host_base(), low.size()), (high.host_base(), high.size()));
    let window = if low.guest_base().get() == low.host_base().get() {
        Window::ballooned(aperture, high_host)
    } else {
        Window::zero_based(aperture, high_host, high.guest_base())
    };
    window
        .ok()
        .filter(|window| *window.aperture() == low && *window.hidden() == high)
        .map(Some)
        .ok_or_else(|| NodeError::garbage(&hidden, &format!("{high:?} beside {low:?}"), WINDOW))
}

fn read_slice(path: &Path) -> Result<Slice, NodeError> {
    const SLICE: &str = "guest base, host base and size: three hexadecimal numbers of bytes";
    let text = node::read_text(path, SLICE)?;
    let garbage = || NodeError::garbage(path, &text, SLICE);
    let mut words = text.split(' ');
    let (Some(guest), Some(host), Some(len), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(garbage());
    };
    let guest: GuestGma = guest.parse().map_err(|_| garbage())?;
    let host: HostGma = host.parse().map_err(|_| garbage())?;
    let len = crate::addr::parse_u64(len, u64::MAX).map_err(|_| garbage())?;
    Slice::new(guest, host, len).map_err(|error| NodeError::garbage(path, &error.to_string(), SLICE))
}

fn read_fences(path: &Path) -> Result<Vec<FenceIndex>, NodeError> {
    const FENCES: &str = "fence numbers from 0 to 31, each once, space-separated";
    let text = node::read_text(path, FENCES)?;
    let garbage = || NodeError::garbage(path, &text, FENCES);
    let mut fences = Vec::new();
    for word in text.split(' ').take(GPU_FENCES as usize + 1) {
        // As the kernel prints them: no sign, which Rust's own parser would take.
        let number =
            word.parse().ok().filter(|number: &u8| number.to_string() == word).ok_or_else(garbage)?;
        let fence = FenceIndex::try_new(number.into()).map_err(|_| garbage())?;
        if fences.contains(&fence) {
            return Err(garbage());
        }
        fences.push(fence);
    }
    Ok(fences)
}
