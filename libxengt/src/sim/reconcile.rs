//! Making the tree show what the state says.
//!
//! Every step can be done again: after a crash the same difference is found and the same steps follow.

use std::fs;
use std::path::Path;

use super::guest::Drawing;
use super::state::{CheckedVgpu, State, VgpuRecord};
use super::{MARKER, Sim, SimError, disk};
use crate::control::{COUNTERS, State as RunState};
use crate::platform::Generation;
use crate::window::Slice;

impl Sim {
    /// Makes the tree follow `state.json`. The caller holds the turn.
    pub(super) fn reconcile(&self) -> Result<(), SimError> {
        let wanted = State::load(&self.state_path())?;
        let shown = match self.applied_path().exists() {
            true => State::load(&self.applied_path())?,
            false => wanted.without_vgpus(),
        };
        if wanted == shown && self.applied_path().exists() {
            return Ok(());
        }
        let generation = wanted.options().generation().unwrap_or(Generation::Gen9);
        for old in shown.vgpus.iter().filter(|old| !wanted.vgpus.iter().any(|new| same_vgpu(old, new))) {
            self.remove(&self.check(old)?, generation)?;
        }
        for new in &wanted.vgpus {
            let vgpu = self.check(new)?;
            match shown.vgpus.iter().find(|old| same_vgpu(old, new)) {
                None => self.show(new, &vgpu, generation)?,
                Some(old) if old.paused != new.paused => {
                    disk::replace(&self.root.vm(vgpu.domid).join("state"), run_state(new).as_bytes())?;
                }
                Some(_) => {}
            }
        }
        wanted.save(&self.applied_path())
    }

    /// Removes what the tree may show of a vGPU that is not in the state. The caller holds the turn.
    pub(super) fn wipe(&self, record: &VgpuRecord) -> Result<(), SimError> {
        let generation = State::load(&self.state_path())?.options().generation().unwrap_or(Generation::Gen9);
        self.remove(&self.check(record)?, generation)
    }

    fn check(&self, record: &VgpuRecord) -> Result<CheckedVgpu, SimError> {
        record.check().map_err(|problem| SimError::State { path: self.state_path(), problem })
    }

    /// Draws the guest, then lets its directory appear whole.
    fn show(&self, record: &VgpuRecord, vgpu: &CheckedVgpu, generation: Generation) -> Result<(), SimError> {
        let drawing = Drawing::new(vgpu, generation)?;
        let guest = self.guest_dir(vgpu.domid);
        disk::remove_tree(&guest)?;
        drawing.write_guest(&guest)?;
        drawing.write_host(&self.root)?;
        let debug = self.root.debug_vm(vgpu.domid);
        disk::remove_tree(&debug)?;
        drawing.write_debug(&debug)?;

        let staged = self.root.path().join(MARKER).join("staged");
        disk::remove_tree(&staged)?;
        let fences: Vec<_> = record.fences.iter().map(u8::to_string).collect();
        for (name, mode, content) in [
            ("vgpu_id", 0o400, record.id.to_string()),
            ("schedule", 0o200, String::new()),
            ("type", 0o400, vgpu.ty.name(generation)),
            ("aperture", 0o400, slice_text(vgpu.window.aperture())),
            ("hidden", 0o400, slice_text(vgpu.window.hidden())),
            ("fences", 0o400, fences.join(" ")),
            ("state", 0o600, run_state(record)),
            ("domid", 0o400, record.domid.to_string()),
            ("stats", 0o400, stats(drawing.mapped_pages())),
        ] {
            let line = if content.is_empty() || content.ends_with('\n') { content } else { content + "\n" };
            disk::write(&staged.join(name), mode, line.as_bytes())?;
        }
        let dir = self.root.vm(vgpu.domid);
        disk::remove_tree(&dir)?;
        rename(&staged, &dir)
    }

    /// Lets the directory disappear whole, then wipes what the vGPU had on the host.
    fn remove(&self, vgpu: &CheckedVgpu, generation: Generation) -> Result<(), SimError> {
        let gone = self.root.path().join(MARKER).join("gone");
        disk::remove_tree(&gone)?;
        let dir = self.root.vm(vgpu.domid);
        if dir.exists() {
            rename(&dir, &gone)?;
            disk::remove_tree(&gone)?;
        }
        disk::remove_tree(&self.root.debug_vm(vgpu.domid))?;
        disk::remove_tree(&self.guest_dir(vgpu.domid))?;
        Drawing::new(vgpu, generation)?.wipe_host(&self.root)
    }
}

/// Whether both records are of one vGPU, whatever its run state.
fn same_vgpu(a: &VgpuRecord, b: &VgpuRecord) -> bool {
    VgpuRecord { paused: false, ..a.clone() } == VgpuRecord { paused: false, ..b.clone() }
}

fn run_state(record: &VgpuRecord) -> String {
    format!("{}\n", if record.paused { RunState::Paused } else { RunState::Active })
}

/// The counters of a GPU that executes nothing: what its table maps is pinned.
fn stats(pinned: u64) -> String {
    let value = |name| if name == "pinned_pages" { pinned } else { 0 };
    COUNTERS.iter().map(|name| format!("{name} {}\n", value(*name))).collect()
}

fn slice_text(slice: &Slice) -> String {
    format!("{:#x} {:#x} {:#x}", slice.guest_base(), slice.host_base(), slice.size())
}

fn rename(from: &Path, to: &Path) -> Result<(), SimError> {
    fs::rename(from, to).map_err(|e| SimError::io("move", from, e))
}
