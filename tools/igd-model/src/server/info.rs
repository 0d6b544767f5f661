//! What the device says of itself: regions and interrupts.
//!
//! Source: Linux, `include/uapi/linux/vfio.h`.
#![forbid(unsafe_code)]

use libxengt::bar::GGTT_OFFSET;

use super::error::ProtocolError;
use super::protocol::words;
use crate::bits::{high, low};
use crate::device::Region;
use crate::global_gtt::GTT_BYTES;

/// The index of the message-signalled interrupt among the five kinds that VFIO numbers.
pub(crate) const MSI: u32 = 1;
const IRQS: u32 = 5;
/// The nine regions of every PCI device, and one more for the OpRegion.
const REGIONS: u32 = 10;

const DEVICE_RESET: u32 = 1;
const DEVICE_PCI: u32 = 1 << 1;
const REGION_READ: u32 = 1;
const REGION_WRITE: u32 = 1 << 1;
const REGION_MMAP: u32 = 1 << 2;
const REGION_CAPS: u32 = 1 << 3;
/// Length of the answer without capabilities; they start there even in an answer that is too short for them.
const REGION_INFO: u32 = 32;
const CAP_SPARSE_MMAP: u32 = 1;
const CAP_TYPE: u32 = 2;
const CAP_VERSION: u32 = 1 << 16;
/// `VFIO_REGION_TYPE_PCI_VENDOR_TYPE | 0x8086`, `VFIO_REGION_SUBTYPE_INTEL_IGD_OPREGION`.
const INTEL_OPREGION: [u32; 2] = [0x8000_8086, 1];
const IRQ_EVENTFD: u32 = 1;
const IRQ_NORESIZE: u32 = 1 << 3;

/// The answer to "what are you".
pub(crate) fn device() -> Vec<u8> {
    words(&[16, DEVICE_RESET | DEVICE_PCI, REGIONS, IRQS])
}

/// The answer to "what is region `number`", for a client that has room for `argsz` bytes of it. The global GTT is
/// offered for mapping if `map_gtt`.
///
/// # Errors
/// [`ProtocolError::Field`] if there is no such region.
pub(crate) fn region(number: u32, argsz: u32, map_gtt: bool) -> Result<Vec<u8>, ProtocolError> {
    if number >= REGIONS {
        return Err(ProtocolError::Field { field: "region", value: u64::from(number) });
    }
    let region = Region::from_index(number);
    let mut flags = match region {
        None => 0,
        Some(Region::OpRegion) => REGION_READ,
        Some(_) => REGION_READ | REGION_WRITE,
    };
    let capability = match region {
        Some(Region::Bar0) if map_gtt => {
            flags |= REGION_MMAP | REGION_CAPS;
            let areas = [low(GGTT_OFFSET), high(GGTT_OFFSET), low(GTT_BYTES), high(GTT_BYTES)];
            words(&[&[CAP_SPARSE_MMAP | CAP_VERSION, 0, 1, 0], &areas[..]].concat())
        }
        Some(Region::OpRegion) => {
            flags |= REGION_CAPS;
            words(&[&[CAP_TYPE | CAP_VERSION, 0], &INTEL_OPREGION[..]].concat())
        }
        _ => Vec::new(),
    };
    let size = region.map_or(0, Region::size);
    let needed = REGION_INFO.saturating_add(u32::try_from(capability.len()).unwrap_or(0));
    let cap_offset = if capability.is_empty() { 0 } else { REGION_INFO };
    let mut reply = words(&[needed, flags, number, cap_offset, low(size), high(size), 0, 0]);
    if argsz >= needed {
        reply.extend(capability);
    }
    Ok(reply)
}

/// The answer to "what is interrupt `number`".
///
/// # Errors
/// [`ProtocolError::Field`] if there is no such interrupt.
pub(crate) fn irq(number: u32) -> Result<Vec<u8>, ProtocolError> {
    if number >= IRQS {
        return Err(ProtocolError::Field { field: "interrupt", value: u64::from(number) });
    }
    let (flags, count) = if number == MSI { (IRQ_EVENTFD | IRQ_NORESIZE, 1) } else { (IRQ_EVENTFD, 0) };
    Ok(words(&[16, flags, number, count]))
}

#[cfg(test)]
mod tests {
    use super::region;

    #[test]
    fn a_short_first_answer_already_says_where_the_capabilities_start() {
        let short = region(0, 32, true).unwrap();
        assert_eq!(short.len(), 32);
        assert_eq!((short[0], short[12]), (64, 32));
        assert_eq!(region(0, 64, true).unwrap().len(), 64);
        assert_eq!(region(0, 64, false).unwrap()[4], 3, "readable and writable, and nothing to map");
        assert_eq!(region(1, 32, true).unwrap()[4], 0, "the upper half of BAR 0 is no region of its own");
        assert!(region(10, 32, true).is_err());
    }
}
