//! Graphics addresses: what the GPU's tables translate from.

use super::newtype::{address, byte_address};

address! {
    /// A byte address in the global GTT as a *guest's* driver numbers it.
    ///
    /// It becomes a [`HostGma`] only through the window of the vGPU it belongs to.
    GuestGma, "guest GGTT", bits = 32
}
byte_address!(GuestGma);

address! {
    /// A byte address in the global GTT as the GPU and dom0 number it.
    HostGma, "host GGTT", bits = 32
}
byte_address!(HostGma);

address! {
    /// A byte address in a per-process graphics space (PPGTT): 48 bits with four levels, 32 with three.
    PpgttAddr, "PPGTT", bits = 48
}
byte_address!(PpgttAddr);
