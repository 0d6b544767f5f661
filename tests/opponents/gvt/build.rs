//! Compiles the page table walks of Linux's GVT-g, if somebody has fetched them.
//!
//! `tests/opponents/fetch-gvt.sh` fetches them and prints the directory for `XENGT_GVT_DIR`. Without it the
//! crate builds all the same and says that GVT-g is not there.
//!
//! The kernel's file does much more than translate. What is needed of it is found by name and put, in the
//! file's own order and below our `shim`, into one file in the build directory.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Of `gvt.h`: the vGPU's window.
const WINDOW: &str = "gvt_to_ggtt gvt_aperture_sz gvt_ggtt_gm_sz gvt_hidden_sz gvt_aperture_gmadr_base \
    gvt_aperture_gmadr_end gvt_hidden_gmadr_base gvt_hidden_gmadr_end vgpu_aperture_offset \
    vgpu_hidden_offset vgpu_aperture_sz vgpu_hidden_sz vgpu_aperture_gmadr_base vgpu_aperture_gmadr_end \
    vgpu_hidden_gmadr_base vgpu_hidden_gmadr_end vgpu_gmadr_is_aperture vgpu_gmadr_is_hidden \
    vgpu_gmadr_is_valid gvt_gmadr_is_aperture gvt_gmadr_is_hidden gvt_gmadr_is_valid";

/// Of `gtt.c`: entries, tables, shadow tables, translation.
const GTT: &str = "intel_gvt_ggtt_gmadr_g2h intel_gvt_ggtt_gmadr_h2g \
    gtt_type_is_entry gtt_type_is_pt gtt_type_table_entry GTT_TYPE_TABLE_ENTRY gtt_type_table \
    get_next_pt_type get_entry_type get_pse_type read_pte64 write_pte64 gtt_get_entry64 gtt_set_entry64 \
    GTT_HAW ADDR_1G_MASK ADDR_2M_MASK ADDR_64K_MASK ADDR_4K_MASK GTT_SPTE_FLAG_64K_SPLITED \
    GTT_64K_PTE_STRIDE gen8_gtt_get_pfn gen8_gtt_set_pfn gen8_gtt_test_pse gen8_gtt_clear_pse \
    gen8_gtt_test_ips gen8_gtt_clear_ips gen8_gtt_test_present gtt_entry_clear_present \
    gtt_entry_set_present gen8_gtt_test_64k_splited gen8_gtt_set_64k_splited gen8_gtt_clear_64k_splited \
    gma_to_ggtt_pte_index DEFINE_PPGTT_GMA_TO_INDEX gen8_gtt_pte_ops gen8_gtt_gma_ops \
    update_entry_type_for_real _ppgtt_get_root_entry ppgtt_get_guest_root_entry \
    ppgtt_get_shadow_root_entry _ppgtt_set_root_entry ppgtt_set_shadow_root_entry ggtt_get_guest_entry \
    ppgtt_spt_get_entry ppgtt_spt_set_entry ppgtt_get_guest_entry ppgtt_get_shadow_entry \
    ppgtt_set_shadow_entry alloc_spt free_spt ppgtt_free_spt intel_vgpu_find_spt_by_gfn \
    intel_vgpu_find_spt_by_mfn ppgtt_alloc_spt ppgtt_alloc_spt_gfn pt_entry_size_shift pt_entries \
    for_each_present_guest_entry for_each_present_shadow_entry for_each_shadow_entry ppgtt_get_spt \
    ppgtt_put_spt ppgtt_invalidate_spt_by_shadow_entry ppgtt_invalidate_pte ppgtt_invalidate_spt \
    vgpu_ips_enabled ppgtt_populate_spt_by_guest_entry ppgtt_generate_shadow_entry is_2MB_gtt_possible \
    split_2MB_gtt_entry split_64KB_gtt_entry ppgtt_populate_shadow_entry ppgtt_populate_spt \
    invalidate_ppgtt_mm shadow_ppgtt_mm vgpu_alloc_mm vgpu_free_mm intel_vgpu_create_ppgtt_mm \
    ppgtt_get_next_level_entry intel_vgpu_gma_to_gpa";

/// The lines of a C file, and the name of that file.
struct Source {
    name: &'static str,
    lines: Vec<String>,
}

impl Source {
    fn read(dir: &Path, name: &'static str) -> Result<Self, Box<dyn Error>> {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { name, lines: text.lines().map(str::to_owned).collect() })
    }

    /// The definitions of `names`, in the file's order; an error if one is not found.
    fn pick(&self, names: &str) -> Result<String, Box<dyn Error>> {
        let mut found = BTreeMap::new();
        for name in names.split_whitespace() {
            let ranges: Vec<_> =
                (0..self.lines.len()).filter_map(|at| Some((at, self.end(at, name)?))).collect();
            if ranges.is_empty() {
                return Err(
                    format!("{} has no definition of {name}: it is not Linux 6.1's", self.name).into()
                );
            }
            found.extend(ranges);
        }
        let mut text = String::new();
        for (start, end) in found {
            // The compiler's messages then name the kernel's lines.
            writeln!(text, "#line {} \"{}\"", start + 1, self.name)?;
            for line in self.lines.iter().take(end + 1).skip(start) {
                writeln!(text, "{line}")?;
            }
        }
        Ok(text)
    }

    /// The last line of the definition of `name` that starts in line `at`, if one does.
    ///
    /// The kernel's style makes this simple: definitions start and end in the first column, and nothing else
    /// does there but preprocessor lines, prototypes and comments.
    fn end(&self, at: usize, name: &str) -> Option<usize> {
        let line = self.lines.get(at)?;
        let names_it = |text: &str| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            text.match_indices(name).any(|(start, _)| {
                let (before, after) = (text.get(..start), text.get(start + name.len()..));
                !before.is_some_and(|text| text.ends_with(word))
                    && !after.is_some_and(|text| text.starts_with(word))
            })
        };
        if let Some(rest) = line.strip_prefix("#define ") {
            let macro_name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
            let last = |at: &usize| !self.lines.get(*at).is_some_and(|line| line.ends_with('\\'));
            return (macro_name == name).then(|| (at..self.lines.len()).find(last))?;
        }
        // The use of a macro that defines a function.
        if line.starts_with(&format!("{name}(")) && line.ends_with(';') {
            return Some(at);
        }
        let declares = line.starts_with(|c: char| c.is_ascii_alphabetic());
        let head = line.split('(').next().unwrap_or_default();
        if !declares || !names_it(head.split('=').next().unwrap_or_default()) {
            return None;
        }
        let body = (at..self.lines.len())
            .find(|at| self.lines.get(*at).is_some_and(|line| line.ends_with(['{', ';'])))?;
        self.lines.get(body)?.ends_with('{').then_some(())?;
        (body..self.lines.len())
            .find(|at| self.lines.get(*at).is_some_and(|line| line == "}" || line == "};"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rustc-check-cfg=cfg(have_gvt)");
    println!("cargo::rerun-if-env-changed=XENGT_GVT_DIR");
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-changed=build.rs");
    let Some(dir) = env::var_os("XENGT_GVT_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    println!("cargo::rerun-if-changed={}", dir.display());
    let types: Vec<_> = Source::read(&dir, "gtt.h")?.lines;
    let types: Vec<_> =
        types.iter().filter(|line| !line.starts_with("#include")).map(String::as_str).collect();
    let window = Source::read(&dir, "gvt.h")?.pick(WINDOW)?;
    let gtt = Source::read(&dir, "gtt.c")?.pick(GTT)?;
    let text = format!(
        "#include \"kernel.h\"\n{}\n#include \"host.h\"\n{window}\n{gtt}\n#include \"entry.c\"\n",
        types.join("\n"),
    );
    let file = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join("gvt.c");
    fs::write(&file, text)?;
    let mut build = cc::Build::new();
    build.file(&file).include("shim").warnings(false);
    // As the kernel is built; a debug build of ours must not slow the competitor down.
    build.opt_level(2).debug(false).define("NDEBUG", None).flag("-fno-strict-aliasing");
    build.flag("-Werror=implicit-function-declaration").flag("-std=gnu11");
    build.compile("xengt_gvt");
    println!("cargo::rustc-cfg=have_gvt");
    Ok(())
}
