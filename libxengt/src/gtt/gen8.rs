//! Broadwell.

use super::spec::MmuSpec;

/// Broadwell's tables: 4 KiB, 2 MiB and 1 GiB pages.
///
/// The address width is GVT-g's `GTT_HAW` (`i915/gvt/gtt.c`), which is wider than any Broadwell's memory.
/// The 64 KiB page came with Gen9 (`i915_pci.c`: `GEN9_DEFAULT_PAGE_SIZES`).
pub const MMU: MmuSpec = MmuSpec::new("gen8", 46, false);
