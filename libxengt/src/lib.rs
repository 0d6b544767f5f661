//! Intel GVT-g on Xen: control of vGPUs, and sight into them.
//!
//! GVT-g lets several virtual machines share one Intel GPU (Broadwell to Comet Lake); on Xen that is XenGT.
//! This crate creates and inspects such vGPUs, and answers where a guest's graphics address leads.
//!
//! | layer | modules |
//! |---|---|
//! | address spaces | [`addr`], [`window`], [`p2m`] |
//! | the GPU's formats | [`gtt`], [`fence`], [`tiling`], [`pvinfo`], [`display`] |
//! | what the hardware and the kernel allow | [`platform`], [`vgpu_type`], [`capacity`] |
//! | the host's files | [`root`], [`node`], [`gpu`], [`bar`], [`inspect`] |
//! | the control protocol | [`control`], [`host`] |
//! | a host with no hardware | [`sim`] |
//! | the hypervisor | [`xen`] |
//! | for device models written in C | `capi`, with the cargo feature of that name |
//!
//! Everything a guest writes is hostile: see [`memory`]. Failures carry their operands and their fix: see
//! [`error`].
//!
//! ```
//! use libxengt::addr::DomId;
//! use libxengt::control::CreateRequest;
//! use libxengt::host::Host;
//! use libxengt::vgpu_type::VgpuType;
//!
//! let dir = tempfile::tempdir()?;
//! let host = Host::simulated(&dir.path().join("sim"))?; // Host::open(Root::system())? on a real one
//! let ty = VgpuType::by_low_mb(64)?;
//! let vgpu = host.control().create(&CreateRequest::of_type(DomId::new(1), ty))?;
//! assert_eq!(vgpu.type_name.as_deref(), Some("GVTg_V5_8"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(unsafe_code)]

pub mod addr;
pub mod bar;
pub mod capacity;
#[cfg(feature = "capi")]
pub mod capi;
pub mod control;
pub mod display;
pub mod error;
pub mod fence;
pub mod gpu;
pub mod gtt;
pub mod host;
pub mod inspect;
pub mod memory;
pub mod node;
pub mod p2m;
pub mod platform;
pub mod pvinfo;
pub mod root;
pub mod sim;
pub mod tiling;
pub mod vgpu_type;
pub mod window;
pub mod xen;
