//! One client, from its handshake to its end.
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::error::ProtocolError;
use super::info;
use super::protocol::{Command, Fields, MAX_FILES, MAX_TRANSFER, words};
use super::wire::{self, Request};
use crate::bits::index;
use crate::device::{Device, Region};

/// `VFIO_IRQ_SET_*`.
const DATA_NONE: u32 = 1;
const DATA_EVENTFD: u32 = 1 << 2;
const ACTION_TRIGGER: u32 = 1 << 5;
/// DMA flags: the device may read, may write.
const DMA_READ: u32 = 1;
const DMA_WRITE: u32 = 2;
/// The largest single write of a write-multi message.
const MULTI_DATA: usize = 8;

/// What a message is answered with.
enum Answer {
    Body(Vec<u8>),
    /// With the GTT's file.
    BodyAndGtt(Vec<u8>),
}

/// A connection in its state.
#[derive(Debug)]
pub struct Session {
    socket: UnixStream,
    negotiated: bool,
}

impl Session {
    /// A session over a fresh connection.
    #[must_use]
    pub const fn new(socket: UnixStream) -> Self {
        Self { socket, negotiated: false }
    }

    /// The connection.
    #[must_use]
    pub const fn socket(&self) -> &UnixStream {
        &self.socket
    }

    /// Serves one message; `false` when the client is gone.
    ///
    /// # Errors
    /// [`ProtocolError`] if the connection cannot go on. Requests that are merely wrong are answered so.
    pub fn serve(&mut self, device: &mut Device) -> Result<bool, ProtocolError> {
        let Some(request) = wire::receive(&self.socket)? else { return Ok(false) };
        let Request { header, body, files } = request;
        let outcome = self.dispatch(device, header.number, header.command(), &body, files);
        match outcome {
            Ok(_) if !header.wants_reply => {}
            Ok(Answer::Body(body)) => wire::send(&self.socket, &header.reply(&body), None)?,
            Ok(Answer::BodyAndGtt(body)) => {
                wire::send(&self.socket, &header.reply(&body), Some(device.gtt().fd()))?;
            }
            Err(error) => {
                log::warn!("vfio-user command {} refused: {error}", header.number);
                if header.wants_reply {
                    wire::send(&self.socket, &header.refusal(error.errno()), None)?;
                }
                if error.is_fatal() {
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    fn dispatch(
        &mut self,
        device: &mut Device,
        number: u16,
        command: Option<Command>,
        body: &[u8],
        files: Vec<OwnedFd>,
    ) -> Result<Answer, ProtocolError> {
        let command = command.ok_or(ProtocolError::Unsupported { number })?;
        if self.negotiated == (command == Command::Version) {
            return Err(ProtocolError::Order { number });
        }
        let mut fields = Fields::new(body);
        let body = match command {
            Command::Version => {
                version(&mut fields)?;
                self.negotiated = true;
                version_reply()
            }
            Command::DmaMap => dma_map(device, &mut fields, files)?,
            Command::DmaUnmap => {
                let (_argsz, _flags) = (fields.u32()?, fields.u32()?);
                device.memory_mut().unmap(fields.u64()?, fields.u64()?);
                body.to_vec()
            }
            Command::DeviceInfo => info::device(),
            Command::RegionInfo => {
                let (argsz, _flags, region) = (fields.u32()?, fields.u32()?, fields.u32()?);
                let map_gtt = device.maps_gtt();
                let body = info::region(region, argsz, map_gtt)?;
                if map_gtt && Region::from_index(region) == Some(Region::Bar0) {
                    return Ok(Answer::BodyAndGtt(body));
                }
                body
            }
            Command::IrqInfo => {
                let (_argsz, _flags) = (fields.u32()?, fields.u32()?);
                info::irq(fields.u32()?)?
            }
            Command::SetIrqs => set_irqs(device, &mut fields, files)?,
            Command::RegionRead => {
                let access = Access::parse(&mut fields)?;
                let mut data = vec![0; access.count];
                if let Some(region) = access.region {
                    device.region_read(region, access.offset, &mut data);
                }
                let mut reply = body.get(..16).unwrap_or_default().to_vec();
                reply.extend(data);
                reply
            }
            Command::RegionWrite => {
                let access = Access::parse(&mut fields)?;
                access.write(device, fields.bytes(access.count)?);
                body.get(..16).unwrap_or_default().to_vec()
            }
            Command::RegionWriteMulti => {
                let count = fields.u64()?;
                for _ in 0..count {
                    let access = Access::parse(&mut fields)?;
                    let data = fields.bytes(MULTI_DATA)?;
                    access.write(device, data.get(..access.count).ok_or(ProtocolError::Short)?);
                }
                count.to_le_bytes().to_vec()
            }
            Command::Reset => {
                device.reset();
                Vec::new()
            }
        };
        Ok(Answer::Body(body))
    }
}

/// Where a region access goes; `region` is `None` where the device has an empty one.
struct Access {
    offset: u64,
    region: Option<Region>,
    count: usize,
}

impl Access {
    fn parse(fields: &mut Fields<'_>) -> Result<Self, ProtocolError> {
        let (offset, number, count) = (fields.u64()?, fields.u32()?, fields.u32()?);
        if count > MAX_TRANSFER {
            return Err(ProtocolError::Field { field: "count", value: u64::from(count) });
        }
        let region = Region::from_index(number);
        let size = region.map_or(0, Region::size);
        if offset.checked_add(u64::from(count)).is_none_or(|end| end > size) {
            return Err(ProtocolError::Field { field: "offset", value: offset });
        }
        Ok(Self { offset, region, count: index(count) })
    }

    fn write(&self, device: &mut Device, data: &[u8]) {
        if let Some(region) = self.region {
            device.region_write(region, self.offset, data);
        }
    }
}

/// Checks what the client says of itself: a C string of JSON, of which only the major version binds us.
fn version(fields: &mut Fields<'_>) -> Result<(), ProtocolError> {
    let (major, minor) = (fields.u16()?, fields.u16()?);
    if major != 0 {
        return Err(ProtocolError::Version(format!("version {major}.{minor}, expected 0.x")));
    }
    let text = match fields.rest() {
        [] => return Ok(()),
        [text @ .., 0] => text,
        _ => return Err(ProtocolError::Version("the string does not end".to_owned())),
    };
    let capabilities: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(text).map_err(|error| ProtocolError::Version(error.to_string()))?;
    log::debug!("client of version {major}.{minor}: {capabilities:?}");
    Ok(())
}

fn version_reply() -> Vec<u8> {
    let capabilities = serde_json::json!({"capabilities": {
        "max_msg_fds": MAX_FILES,
        "max_data_xfer_size": MAX_TRANSFER,
        "write_multiple": true,
    }});
    let mut reply = vec![0; 4];
    reply.extend(capabilities.to_string().into_bytes());
    reply.push(0);
    reply
}

fn dma_map(
    device: &mut Device,
    fields: &mut Fields<'_>,
    files: Vec<OwnedFd>,
) -> Result<Vec<u8>, ProtocolError> {
    let (_argsz, flags) = (fields.u32()?, fields.u32()?);
    let (offset, iova, size) = (fields.u64()?, fields.u64()?, fields.u64()?);
    match files.into_iter().next() {
        Some(file) if flags & DMA_READ != 0 => {
            device.memory_mut().map(iova, size, File::from(file), offset, flags & DMA_WRITE != 0)?;
            log::debug!("DMA map of {size:#x} bytes at {iova:#x}");
        }
        // Memory without a file could only be asked for by messages; nothing that the GPU uses lies there.
        _ => log::debug!("{size:#x} bytes at {iova:#x} have no file: the GPU does not reach them"),
    }
    Ok(Vec::new())
}

fn set_irqs(
    device: &mut Device,
    fields: &mut Fields<'_>,
    files: Vec<OwnedFd>,
) -> Result<Vec<u8>, ProtocolError> {
    let (_argsz, flags, irq) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (start, count) = (fields.u32()?, fields.u32()?);
    info::irq(irq)?;
    if irq != info::MSI {
        return Ok(Vec::new());
    }
    if start != 0 || count > 1 {
        return Err(ProtocolError::Field { field: "the MSI's number", value: u64::from(start.max(count)) });
    }
    if flags & ACTION_TRIGGER != 0 {
        match files.into_iter().next() {
            Some(file) if flags & DATA_EVENTFD != 0 => device.connect_msi(Some(file)),
            _ if flags & DATA_EVENTFD != 0 || count == 0 => device.connect_msi(None),
            _ if flags & DATA_NONE != 0 => device.trigger_msi(),
            _ => return Err(ProtocolError::Field { field: "flags", value: u64::from(flags) }),
        }
    }
    Ok(words(&[]))
}
