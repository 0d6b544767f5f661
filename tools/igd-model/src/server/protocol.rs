//! The vfio-user messages, as bytes.
//!
//! Source: QEMU, `docs/interop/vfio-user.rst` and `hw/vfio-user/protocol.h`. All numbers are little-endian.
#![forbid(unsafe_code)]

use super::error::ProtocolError;

/// Length of a message's header in bytes.
pub const HEADER: usize = 16;
/// The longest message that is taken, header included, in bytes.
pub const MAX_MESSAGE: usize = 128 << 10;
/// The most bytes that one region access moves.
pub const MAX_TRANSFER: u32 = 64 << 10;
/// The most files that one message brings.
pub const MAX_FILES: usize = 8;

const REPLY: u32 = 1;
const TYPE: u32 = 0xf;
const NO_REPLY: u32 = 1 << 4;
const ERROR: u32 = 1 << 5;

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The first message: versions and capabilities.
    Version,
    /// Makes memory reachable for the device.
    DmaMap,
    /// Takes it away again.
    DmaUnmap,
    /// How many regions and interrupts there are.
    DeviceInfo,
    /// One region's size, rights and map.
    RegionInfo,
    /// One interrupt's kind.
    IrqInfo,
    /// Where an interrupt goes.
    SetIrqs,
    /// A read of a region.
    RegionRead,
    /// A write of a region.
    RegionWrite,
    /// Reset of the device.
    Reset,
    /// Several small writes.
    RegionWriteMulti,
}

impl Command {
    const fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Version,
            2 => Self::DmaMap,
            3 => Self::DmaUnmap,
            4 => Self::DeviceInfo,
            5 => Self::RegionInfo,
            7 => Self::IrqInfo,
            8 => Self::SetIrqs,
            9 => Self::RegionRead,
            10 => Self::RegionWrite,
            13 => Self::Reset,
            15 => Self::RegionWriteMulti,
            _ => return None,
        })
    }
}

/// A message's header, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The client's number for the message.
    pub id: u16,
    /// The command's number as sent.
    pub number: u16,
    /// Length of what follows the header, at most [`MAX_MESSAGE`].
    pub body: usize,
    /// Whether the client wants an answer.
    pub wants_reply: bool,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`ProtocolError`] if the length is impossible or the message is no request: there is no telling then
    /// where the next message starts.
    pub fn parse(bytes: &[u8; HEADER]) -> Result<Self, ProtocolError> {
        let mut fields = Fields::new(bytes);
        let (id, number) = (fields.u16()?, fields.u16()?);
        let (size, flags) = (fields.u32()?, fields.u32()?);
        let body = usize::try_from(size)
            .ok()
            .filter(|size| *size <= MAX_MESSAGE)
            .and_then(|size| size.checked_sub(HEADER))
            .ok_or(ProtocolError::Size { size })?;
        if flags & TYPE != 0 {
            return Err(ProtocolError::NotARequest { flags });
        }
        Ok(Self { id, number, body, wants_reply: flags & NO_REPLY == 0 })
    }

    /// The command, if it is one that is served.
    #[must_use]
    pub const fn command(&self) -> Option<Command> {
        Command::from_number(self.number)
    }

    /// The answer with `body`.
    #[must_use]
    pub fn reply(&self, body: &[u8]) -> Vec<u8> {
        self.answer(REPLY, 0, body)
    }

    /// The answer that it failed with `errno`.
    #[must_use]
    pub fn refusal(&self, errno: u32) -> Vec<u8> {
        self.answer(REPLY | ERROR, errno, &[])
    }

    fn answer(&self, flags: u32, errno: u32, body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(HEADER + body.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.number.to_le_bytes());
        for word in [size, flags, errno] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(body);
        bytes
    }
}

/// Fields of a message, taken one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'b> {
    rest: &'b [u8],
}

impl<'b> Fields<'b> {
    /// The fields of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let (field, rest) = self.rest.split_first_chunk().ok_or(ProtocolError::Short)?;
        self.rest = rest;
        Ok(*field)
    }

    /// The next 16 bits.
    ///
    /// # Errors
    /// [`ProtocolError::Short`] if the message ends before.
    pub fn u16(&mut self) -> Result<u16, ProtocolError> {
        self.take().map(u16::from_le_bytes)
    }

    /// The next 32 bits.
    ///
    /// # Errors
    /// [`ProtocolError::Short`] if the message ends before.
    pub fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.take().map(u32::from_le_bytes)
    }

    /// The next 64 bits.
    ///
    /// # Errors
    /// [`ProtocolError::Short`] if the message ends before.
    pub fn u64(&mut self) -> Result<u64, ProtocolError> {
        self.take().map(u64::from_le_bytes)
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// [`ProtocolError::Short`] if the message ends before.
    pub fn bytes(&mut self, len: usize) -> Result<&'b [u8], ProtocolError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(ProtocolError::Short)?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Everything that is left.
    #[must_use]
    pub const fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

/// 32-bit words as bytes, for answers.
#[must_use]
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::{Command, Fields, HEADER, Header, MAX_MESSAGE, words};
    use crate::server::error::ProtocolError;

    fn header(size: u32, flags: u32) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = 7;
        bytes[2] = 9;
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        bytes[8..12].copy_from_slice(&flags.to_le_bytes());
        bytes
    }

    #[test]
    fn a_header_with_an_impossible_length_or_type_is_refused() {
        let good = Header::parse(&header(32, 0)).unwrap();
        assert_eq!((good.id, good.body, good.wants_reply), (7, 16, true));
        assert_eq!(good.command(), Some(Command::RegionRead));
        assert!(!Header::parse(&header(32, 0x10)).unwrap().wants_reply);
        let longest = u32::try_from(MAX_MESSAGE).unwrap();
        for size in [0, 15, longest + 1, u32::MAX] {
            assert!(matches!(Header::parse(&header(size, 0)), Err(ProtocolError::Size { .. })), "{size}");
        }
        assert!(matches!(Header::parse(&header(16, 1)), Err(ProtocolError::NotARequest { flags: 1 })));
    }

    #[test]
    fn an_answer_carries_its_length_and_its_error() {
        let request = Header::parse(&header(16, 0)).unwrap();
        assert_eq!(
            request.refusal(22),
            [[7, 0, 9, 0], [16, 0, 0, 0], [0x21, 0, 0, 0], [22, 0, 0, 0]].concat()
        );
        assert_eq!(request.reply(&words(&[5]))[4..12], [20, 0, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn fields_end_where_the_message_does() {
        let mut fields = Fields::new(&[1, 2, 3, 4, 5]);
        assert_eq!(fields.u32().unwrap(), 0x0403_0201);
        assert!(matches!(fields.u16(), Err(ProtocolError::Short)));
        assert_eq!(fields.bytes(1).unwrap(), [5]);
        assert!(fields.bytes(usize::MAX).is_err());
        assert!(fields.u64().is_err());
    }
}
