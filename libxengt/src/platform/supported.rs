//! The GPUs that GVT-g supports, by PCI device id.
//!
//! Sources: i915 `intel_gvt.c` (`is_supported_device`) for the families, `include/drm/intel/pciids.h` for
//! the ids, in its order and grouping.

use super::Generation::{self, Gen8, Gen9};

/// A family of GPUs that can host vGPUs.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) generation: Generation,
    pub(super) note: Option<&'static str>,
    pub(super) ids: &'static [u16],
}

const WORKS_AND_HANGS: &str =
    "users report it working and hanging (intel/gvt-linux #188, #216); Linux 5.4 counts it as Coffee Lake";

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "Broadwell",
        generation: Gen8,
        note: None,
        ids: &[
            0x1602, 0x1606, 0x160a, 0x160b, 0x160d, 0x160e, // GT1
            0x1612, 0x1616, 0x161a, 0x161b, 0x161d, 0x161e, // GT2
            0x1622, 0x1626, 0x162a, 0x162b, 0x162d, 0x162e, // GT3
            0x1632, 0x1636, 0x163a, 0x163b, 0x163d, 0x163e, // reserved
        ],
    },
    Family {
        name: "Skylake",
        generation: Gen9,
        note: None,
        ids: &[
            0x1902, 0x1906, 0x190a, 0x190b, 0x190e, 0x1913, 0x1915, 0x1917, // GT1 and GT1.5
            0x1912, 0x1916, 0x191a, 0x191b, 0x191d, 0x191e, 0x1921, // GT2
            0x1923, 0x1926, 0x1927, 0x192a, 0x192b, 0x192d, // GT3
            0x1932, 0x193a, 0x193b, 0x193d, // GT4
        ],
    },
    Family {
        name: "Broxton",
        generation: Gen9,
        note: Some(
            "sold as Apollo Lake; in practice for Linux guests only (intel/gvt-linux #103), and hangs are \
             reported (#112)",
        ),
        ids: &[0x0a84, 0x1a84, 0x1a85, 0x5a84, 0x5a85],
    },
    Family {
        name: "Kaby Lake",
        generation: Gen9,
        note: None,
        ids: &[
            0x5902, 0x5906, 0x5908, 0x590a, 0x590b, 0x590e, 0x5913, 0x5915, // GT1 and GT1.5
            0x5912, 0x5916, 0x5917, 0x591a, 0x591b, 0x591d, 0x591e, 0x5921, // GT2
            0x5923, 0x5926, 0x5927, // GT3
            0x593b, // GT4
        ],
    },
    Family { name: "Kaby Lake (Amber Lake)", generation: Gen9, note: None, ids: &[0x591c, 0x87c0] },
    Family {
        name: "Coffee Lake",
        generation: Gen9,
        note: None,
        ids: &[
            0x3e90, 0x3e93, 0x3e99, 0x3e91, 0x3e92, 0x3e96, 0x3e98, 0x3e9a, // S, GT1 and GT2
            0x3e9c, 0x3e94, 0x3e9b, // H, GT1 and GT2
            0x3ea9, 0x3ea5, 0x3ea6, 0x3ea7, 0x3ea8, // U, GT2 and GT3
        ],
    },
    Family {
        name: "Coffee Lake (Whiskey Lake)",
        generation: Gen9,
        note: Some("needs Linux 5.2 or later (intel/gvt-linux #118)"),
        ids: &[0x3ea0, 0x3ea1, 0x3ea2, 0x3ea3, 0x3ea4],
    },
    Family { name: "Coffee Lake (Amber Lake)", generation: Gen9, note: None, ids: &[0x87ca] },
    Family {
        name: "Comet Lake",
        generation: Gen9,
        note: Some(WORKS_AND_HANGS),
        ids: &[
            0x9ba2, 0x9ba4, 0x9ba5, 0x9ba8, // GT1
            0x9bc2, 0x9bc4, 0x9bc5, 0x9bc6, 0x9bc8, 0x9be6, 0x9bf6, // GT2
            0x9b21, 0x9baa, 0x9bac, 0x9b41, 0x9bca, 0x9bcc, // U, GT1 and GT2
        ],
    },
];
