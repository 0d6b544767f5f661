//! Intel GPUs that GVT-g does not support, by PCI device id, each with the reason and what else there is.
//!
//! Source of the ids: i915 `include/drm/intel/pciids.h`.

/// A family of GPUs that cannot host vGPUs.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) reason: &'static str,
    pub(super) alternative: &'static str,
    pub(super) ids: &'static [u16],
}

const BEFORE: &str = "GVT-g in today's i915 starts with Broadwell (Gen8)";
const OLD_PREVIEW: &str =
    "only the old XenGT-Preview kernels supported it; GVT-g in today's i915 starts with Broadwell (Gen8)";
const NOT_THIS_ATOM: &str = "GVT-g supports no graphics of the Atom line but Broxton (Apollo Lake)";
const BETWEEN: &str = "GVT-g ends with Gen9, and this graphics is newer";
const GEN12: &str = "GVT-g ends with Gen9; from Tiger Lake on Intel's way to share a GPU is SR-IOV";
const DISCRETE: &str = "GVT-g supports integrated graphics only, up to Gen9";

const PASS_THROUGH: &str = "pass the whole GPU through to one guest";
/// SR-IOV came with Tiger Lake, but the drivers that people run under Xen start with Alder Lake.
const SRIOV_LATER: &str = "pass the whole GPU through to one guest (SR-IOV is meant for Tiger Lake and \
                           later, but in practice its drivers need Alder Lake)";
const SRIOV: &str = "use SR-IOV: pass one virtual function through to each guest (people run it under Xen; \
                     Intel has not said that it supports that)";

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "Sandy Bridge",
        reason: BEFORE,
        alternative: PASS_THROUGH,
        ids: &[0x0102, 0x010a, 0x0112, 0x0122, 0x0106, 0x0116, 0x0126],
    },
    Family {
        name: "Ivy Bridge",
        reason: BEFORE,
        alternative: PASS_THROUGH,
        ids: &[0x0156, 0x0166, 0x0152, 0x015a, 0x0162, 0x016a],
    },
    Family {
        name: "Haswell",
        reason: OLD_PREVIEW,
        alternative: PASS_THROUGH,
        ids: &[
            0x0a02, 0x0a06, 0x0a0a, 0x0a0b, 0x0a0e, 0x0a12, 0x0a16, 0x0a1a, 0x0a1b, 0x0a1e, 0x0a22, 0x0a26,
            0x0a2a, 0x0a2b, 0x0a2e, // ULT and ULX: GT1, GT2, GT3
            0x0402, 0x0406, 0x040a, 0x040b, 0x040e, 0x0412, 0x0416, 0x041a, 0x041b, 0x041e, 0x0422, 0x0426,
            0x042a, 0x042b, 0x042e, // desktop, mobile, server: GT1, GT2, GT3
            0x0c02, 0x0c06, 0x0c0a, 0x0c0b, 0x0c0e, 0x0c12, 0x0c16, 0x0c1a, 0x0c1b, 0x0c1e, 0x0c22, 0x0c26,
            0x0c2a, 0x0c2b, 0x0c2e, // SDV: GT1, GT2, GT3
            0x0d02, 0x0d06, 0x0d0a, 0x0d0b, 0x0d0e, 0x0d12, 0x0d16, 0x0d1a, 0x0d1b, 0x0d1e, 0x0d22, 0x0d26,
            0x0d2a, 0x0d2b, 0x0d2e, // CRW: GT1, GT2, GT3
        ],
    },
    Family {
        name: "Valleyview (Bay Trail)",
        reason: NOT_THIS_ATOM,
        alternative: PASS_THROUGH,
        ids: &[0x0f30, 0x0f31, 0x0f32, 0x0f33],
    },
    Family {
        name: "Cherryview (Braswell)",
        reason: NOT_THIS_ATOM,
        alternative: PASS_THROUGH,
        ids: &[0x22b0, 0x22b1, 0x22b2, 0x22b3],
    },
    Family { name: "Gemini Lake", reason: NOT_THIS_ATOM, alternative: PASS_THROUGH, ids: &[0x3184, 0x3185] },
    Family {
        name: "Cannon Lake",
        reason: BETWEEN,
        alternative: PASS_THROUGH,
        ids: &[
            0x5a44, 0x5a4c, 0x5a54, 0x5a5c, 0x5a40, 0x5a41, 0x5a42, 0x5a49, 0x5a4a, 0x5a50, 0x5a51, 0x5a52,
            0x5a59, 0x5a5a,
        ],
    },
    Family {
        name: "Ice Lake",
        reason: BETWEEN,
        alternative: PASS_THROUGH,
        ids: &[
            0x8a50, 0x8a51, 0x8a52, 0x8a53, 0x8a54, 0x8a56, 0x8a57, 0x8a58, 0x8a59, 0x8a5a, 0x8a5b, 0x8a5c,
            0x8a5d, 0x8a70, 0x8a71,
        ],
    },
    Family {
        name: "Elkhart Lake",
        reason: BETWEEN,
        alternative: PASS_THROUGH,
        ids: &[0x4541, 0x4551, 0x4555, 0x4557, 0x4570, 0x4571],
    },
    Family {
        name: "Jasper Lake",
        reason: BETWEEN,
        alternative: PASS_THROUGH,
        ids: &[0x4e51, 0x4e55, 0x4e57, 0x4e61, 0x4e71],
    },
    Family {
        name: "Tiger Lake",
        reason: GEN12,
        alternative: SRIOV_LATER,
        ids: &[0x9a60, 0x9a68, 0x9a70, 0x9a40, 0x9a49, 0x9a59, 0x9a78, 0x9ac0, 0x9ac9, 0x9ad9, 0x9af8],
    },
    Family {
        name: "Rocket Lake",
        reason: BETWEEN,
        alternative: PASS_THROUGH,
        ids: &[0x4c80, 0x4c8a, 0x4c8b, 0x4c8c, 0x4c90, 0x4c9a],
    },
    Family {
        name: "Alder Lake",
        reason: GEN12,
        alternative: SRIOV,
        ids: &[
            0x4680, 0x4682, 0x4688, 0x468a, 0x468b, 0x4690, 0x4692, 0x4693, // S
            0x46a0, 0x46a1, 0x46a2, 0x46a3, 0x46a6, 0x46a8, 0x46aa, 0x462a, 0x4626, 0x4628, 0x46b0, 0x46b1,
            0x46b2, 0x46b3, 0x46c0, 0x46c1, 0x46c2, 0x46c3, // P
            0x46d0, 0x46d1, 0x46d2, 0x46d3, 0x46d4, // N
        ],
    },
    Family {
        name: "Raptor Lake",
        reason: GEN12,
        alternative: SRIOV,
        ids: &[
            0xa780, 0xa781, 0xa782, 0xa783, 0xa788, 0xa789, 0xa78a, 0xa78b, // S
            0xa721, 0xa7a1, 0xa7a9, 0xa7ac, 0xa7ad, // U
            0xa720, 0xa7a0, 0xa7a8, 0xa7aa, 0xa7ab, // P
        ],
    },
    Family {
        name: "Meteor Lake",
        reason: GEN12,
        alternative: SRIOV,
        ids: &[0x7d40, 0x7d45, 0x7d55, 0x7d60, 0x7dd5],
    },
    Family {
        name: "Arrow Lake",
        reason: GEN12,
        alternative: SRIOV,
        ids: &[0x7d51, 0x7dd1, 0x7d41, 0x7d67, 0xb640],
    },
    Family { name: "Lunar Lake", reason: GEN12, alternative: SRIOV, ids: &[0x6420, 0x64a0, 0x64b0] },
    Family {
        name: "Panther Lake",
        reason: GEN12,
        alternative: SRIOV,
        ids: &[
            0xb080, 0xb081, 0xb082, 0xb083, 0xb084, 0xb085, 0xb086, 0xb087, 0xb08f, 0xb090, 0xb0a0, 0xb0b0,
        ],
    },
    Family {
        name: "DG1",
        reason: DISCRETE,
        alternative: PASS_THROUGH,
        ids: &[0x4905, 0x4906, 0x4907, 0x4908, 0x4909],
    },
    Family {
        name: "DG2 (Arc)",
        reason: DISCRETE,
        alternative: PASS_THROUGH,
        ids: &[
            0x5690, 0x5691, 0x5692, 0x5693, 0x5694, 0x5695, 0x5696, 0x5697, 0x56a0, 0x56a1, 0x56a2, 0x56a3,
            0x56a4, 0x56a5, 0x56a6, 0x56b0, 0x56b1, 0x56b2, 0x56b3, 0x56ba, 0x56bb, 0x56bc, 0x56bd, 0x56be,
            0x56bf, 0x56c0, 0x56c1, 0x56c2,
        ],
    },
    Family {
        name: "Battlemage",
        reason: DISCRETE,
        alternative: PASS_THROUGH,
        ids: &[
            0xe202, 0xe209, 0xe20b, 0xe20c, 0xe20d, 0xe210, 0xe211, 0xe212, 0xe216, 0xe220, 0xe221, 0xe222,
            0xe223,
        ],
    },
];
