//! The words written to `create_vgt_instance`.
//!
//! Grammar: `domid,low,high,fence[,primary[,cap]]` creates, `-domid` destroys; decimal, sizes in MB, at most
//! 63 characters (the kernel's buffer). The libxl that Qubes ships writes the six-field form.

use core::fmt;
use core::str::FromStr;

use crate::addr::DomId;
use crate::vgpu_type::VgpuType;

/// The longest command the kernel reads, in characters.
pub const MAX_COMMAND: usize = 63;

/// A request for a vGPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateRequest {
    /// The domain that gets it.
    pub domid: DomId,
    /// Low graphics memory in MB. It alone picks the type: 64, 128, 256 or 512.
    pub low_mb: u32,
    /// High graphics memory in MB. Advisory: the type's own size is what one gets.
    pub high_mb: u32,
    /// Fence registers. Advisory likewise.
    pub fences: u32,
    /// Whether the vGPU is the guest's boot display; `None` leaves it to the kernel (-1 on the wire).
    pub primary: Option<bool>,
    /// Share of the GPU's time in percent, 0 for no limit.
    pub cap: u8,
}

impl CreateRequest {
    /// A request for a vGPU of type `ty`.
    #[must_use]
    pub fn of_type(domid: DomId, ty: &VgpuType) -> Self {
        let mb = |mb: u64| u32::try_from(mb).unwrap_or(u32::MAX);
        Self {
            domid,
            low_mb: mb(ty.low_mb()),
            high_mb: mb(ty.high_mb()),
            fences: ty.fences,
            primary: None,
            cap: 0,
        }
    }
}

impl fmt::Display for CreateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let primary = self.primary.map_or(-1, i8::from);
        write!(f, "{},{},{},{},{primary},{}", self.domid, self.low_mb, self.high_mb, self.fences, self.cap)
    }
}

/// A command as it goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Make a vGPU.
    Create(CreateRequest),
    /// Unmake a domain's vGPU.
    Destroy(DomId),
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(request) => request.fmt(f),
            Self::Destroy(domid) => write!(f, "-{domid}"),
        }
    }
}

/// Text that is no command; the kernel answers `EINVAL`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no vGPU command: {problem}; expected domid,low,high,fence[,primary[,cap]] or -domid")]
pub struct CommandError {
    /// The start of what was given.
    pub given: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl FromStr for Command {
    type Err = CommandError;

    fn from_str(text: &str) -> Result<Self, CommandError> {
        let fail = |problem| CommandError { given: text.chars().take(64).collect(), problem };
        let line = text.strip_suffix('\n').unwrap_or(text);
        if line.len() > MAX_COMMAND {
            return Err(fail("longer than 63 characters"));
        }
        let domid = |word: &str| word.parse::<DomId>().map_err(|_| fail("no domain id"));
        if let Some(word) = line.strip_prefix('-') {
            return Ok(Self::Destroy(domid(word)?));
        }
        let fields: Vec<&str> = line.split(',').collect();
        let (id, sizes, rest) = match fields.as_slice() {
            [id, low, high, fence, rest @ ..] if rest.len() <= 2 => (id, [low, high, fence], rest),
            _ => return Err(fail("not four to six fields")),
        };
        let mut numbers = [0_u32; 3];
        for (number, word) in numbers.iter_mut().zip(sizes) {
            *number = decimal(word).ok_or_else(|| fail("a size is no whole number"))?;
        }
        let [low_mb, high_mb, fences] = numbers;
        if low_mb == 0 || fences == 0 {
            return Err(fail("low and fence must be at least 1"));
        }
        let primary = match rest.first() {
            None | Some(&"-1") => None,
            Some(&"0") => Some(false),
            Some(&"1") => Some(true),
            Some(_) => return Err(fail("primary is not -1, 0 or 1")),
        };
        let cap = match rest.get(1) {
            None => 0,
            Some(word) => decimal(word)
                .and_then(|cap| u8::try_from(cap).ok())
                .filter(|cap| *cap <= 100)
                .ok_or_else(|| fail("cap is not 0 to 100"))?,
        };
        Ok(Self::Create(CreateRequest { domid: domid(id)?, low_mb, high_mb, fences, primary, cap }))
    }
}

/// Plain decimal digits: `str::parse` alone would take a plus sign.
fn decimal(word: &str) -> Option<u32> {
    word.bytes().all(|b| b.is_ascii_digit()).then(|| word.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Command, CreateRequest};
    use crate::addr::DomId;

    #[test]
    fn what_libxl_writes_is_read() {
        let request = CreateRequest {
            domid: DomId::new(29),
            low_mb: 64,
            high_mb: 448,
            fences: 4,
            primary: None,
            cap: 0,
        };
        for text in ["29,64,448,4,-1,0", "29,64,448,4,-1", "29,64,448,4", "29,64,448,4\n"] {
            assert_eq!(text.parse(), Ok(Command::Create(request)), "{text}");
        }
        assert_eq!(Command::Create(request).to_string(), "29,64,448,4,-1,0");
        assert_eq!("-29\n".parse(), Ok(Command::Destroy(DomId::new(29))));
    }

    #[test]
    fn what_the_kernel_refuses_is_refused() {
        for text in [
            "",
            "-",
            "-0",
            "--1",
            "0,64,448,4",
            "1,0,448,4",
            "1,64,448,0",
            "1,64,448",
            "1,64,448,4,2",
            "1,64,448,4,0,101",
            "1,64,448,4,0,0,0",
            "1,64,448,4 ",
            " 1,64,448,4",
            "1,+64,448,4",
            "1,64,448,4,,",
            "1,99999999999,448,4",
            "65537,64,448,4",
            "1,64,448,4\n\n",
            "1,64,448,4,-1,0,",
            "-1 ",
            "-65537",
            "0000000000000000000000000000000000000000000000000000000001,64,448,4",
        ] {
            assert!(text.parse::<Command>().is_err(), "{text:?}");
        }
    }
}
