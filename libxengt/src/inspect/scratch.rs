//! The page that the entries lead to which a guest does not use.

use std::path::Path;

use super::InspectError;
use crate::addr::{DomId, Mfn};
use crate::node::{self, NodeError};
use crate::root::Root;

/// The machine frame to which the host's GGTT leads wherever the guest of `domid` uses nothing of its window; `None`
/// if the kernel does not name it.
///
/// The page is the host's own and the same for all guests.
///
/// # Errors
/// [`InspectError`] if the kernel names it, but not to us, or not as a frame that a machine has.
pub fn scratch_frame(root: &Root, domid: DomId) -> Result<Option<Mfn>, InspectError> {
    Ok(node::optional(&root.debug_vm(domid).join("scratch"), read_frame)?)
}

fn read_frame(path: &Path) -> Result<Mfn, NodeError> {
    const FRAME: &str = "a machine frame, hexadecimal after 0x";
    let text = node::read_text(path, FRAME)?;
    // Not what people may type besides: decimal digits, capitals or underscores.
    let is_plain = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let plain = text.strip_prefix("0x").is_some_and(is_plain);
    let frame = if plain { text.parse().ok() } else { None };
    frame.ok_or_else(|| NodeError::garbage(path, &text, FRAME))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::scratch_frame;
    use crate::addr::{DomId, Mfn};
    use crate::inspect::InspectError;
    use crate::node::{NodeError, NodeProblem};
    use crate::root::Root;

    fn read(content: &[u8]) -> Result<Option<Mfn>, InspectError> {
        let dir = tempfile::tempdir().unwrap();
        let (root, domid) = (Root::at(dir.path()), DomId::new(7));
        assert!(matches!(scratch_frame(&root, domid), Ok(None)), "no file, no frame");
        fs::create_dir_all(root.debug_vm(domid)).unwrap();
        fs::write(root.debug_vm(domid).join("scratch"), content).unwrap();
        scratch_frame(&root, domid)
    }

    #[test]
    fn the_frame_is_read_as_the_kernel_prints_it() {
        for (text, frame) in [("0x10a4d3\n", 0x10a4d3), ("0x0\n", 0), ("0xffffffffff\n", Mfn::MAX.get())] {
            assert_eq!(read(text.as_bytes()).unwrap(), Some(Mfn::new(frame)));
        }
    }

    #[test]
    fn all_else_is_refused_and_quoted() {
        let lines = [
            "1000", "0x", "0X1", "0x1_0", "0xAB", "+0x1", "0x+1", "-0x1", " 0x1", "0x1 0x2", "0x1\n0x2",
            "none",
        ];
        // The kernel's own mark of no frame, and an address for its frame's number.
        for text in lines.into_iter().chain(["0xffffffffffffffff", "0x10000000000", "0x1\0", "\x1b[2J"]) {
            match read(text.as_bytes()).unwrap_err() {
                InspectError::Node(NodeError { problem: NodeProblem::Garbage { found, .. }, .. }) => {
                    assert_eq!(found, text);
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}
