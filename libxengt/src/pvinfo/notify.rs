//! What a guest's driver can tell its vGPU.

/// A notification from guest to vGPU (`enum vgt_g2v_type` of i915 `i915_pvinfo.h`).
///
/// GVT-g also takes a 1 without complaint, which old drivers sent; it means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum G2v {
    /// A PPGTT of three levels has been made; its page directories are in the PDP registers.
    PpgttL3Create,
    /// A PPGTT of three levels is going away.
    PpgttL3Destroy,
    /// A PPGTT of four levels has been made; its PML4 table is in the first PDP register.
    PpgttL4Create,
    /// A PPGTT of four levels is going away.
    PpgttL4Destroy,
    /// An execlist context has been made.
    ContextCreate,
    /// An execlist context is going away.
    ContextDestroy,
}

/// A number that is no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is no notification from guest to vGPU: they are 2 to {last}", last = G2v::MAX - 1)]
pub struct UnknownG2v(pub u32);

impl crate::error::Diagnose for UnknownG2v {
    fn kind(&self) -> crate::error::ErrorKind {
        crate::error::ErrorKind::InvalidInput
    }
}

impl G2v {
    /// One more than the last notification (`VGT_G2V_MAX`).
    pub const MAX: u32 = 8;

    /// The notification of this number.
    ///
    /// # Errors
    /// [`UnknownG2v`] if there is none.
    pub const fn of(number: u32) -> Result<Self, UnknownG2v> {
        Ok(match number {
            2 => Self::PpgttL3Create,
            3 => Self::PpgttL3Destroy,
            4 => Self::PpgttL4Create,
            5 => Self::PpgttL4Destroy,
            6 => Self::ContextCreate,
            7 => Self::ContextDestroy,
            _ => return Err(UnknownG2v(number)),
        })
    }

    /// The notification's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::PpgttL3Create => 2,
            Self::PpgttL3Destroy => 3,
            Self::PpgttL4Create => 4,
            Self::PpgttL4Destroy => 5,
            Self::ContextCreate => 6,
            Self::ContextDestroy => 7,
        }
    }
}
