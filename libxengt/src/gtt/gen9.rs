//! Skylake, Broxton, Kaby Lake, Coffee Lake, Comet Lake.

use super::spec::MmuSpec;

/// Gen9's tables: those of [`super::gen8::MMU`], and page tables of 64 KiB pages.
///
/// In such a table the GPU looks at the first entry of each aligned group of 16 and at nothing else in the
/// group. GVT-g reads it so (`GTT_64K_PTE_STRIDE`, `i915/gvt/gtt.c`), and so does everything here: whatever
/// a guest writes into the other fifteen maps nothing.
pub const MMU: MmuSpec = MmuSpec::new("gen9", 46, true);
