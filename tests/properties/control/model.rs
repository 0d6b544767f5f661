//! What a host must do, written without the library: a table of megabytes, marked as they are taken.

use std::collections::BTreeMap;

/// Bytes are of no concern here: windows are made of whole megabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vgpu {
    pub(crate) id: u32,
    pub(crate) low: (usize, usize),
    pub(crate) high: (usize, usize),
    pub(crate) fences: Vec<usize>,
    pub(crate) paused: bool,
}

/// Why the model makes no vGPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownSize,
    Exists,
    NoSuchDomain,
    NotHvm,
    /// The host can never give so much low memory.
    Absent,
    /// The sums say no.
    Full(Short),
    /// The sums say yes, but no hole is large enough.
    Fragmented,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    Instances,
    Low,
    High,
    Fences,
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    /// Sizes in MB.
    pub(crate) aperture: usize,
    pub(crate) ggtt: usize,
    pub(crate) hvm: u16,
    pub(crate) vgpus: BTreeMap<u16, Vgpu>,
}

/// Low and high memory of each type in MB, as the kernel's table has them.
pub(crate) const TYPES: [(usize, usize); 4] = [(64, 384), (128, 512), (256, 1024), (512, 2048)];

impl Model {
    pub(crate) fn create(&mut self, domid: u16, low_mb: usize) -> Result<Vgpu, Refusal> {
        let (low, high) = *TYPES.iter().find(|(low, _)| *low == low_mb).ok_or(Refusal::UnknownSize)?;
        if self.vgpus.contains_key(&domid) {
            return Err(Refusal::Exists);
        }
        if domid == 0 || domid > self.hvm + 1 {
            return Err(Refusal::NoSuchDomain);
        }
        if domid == self.hvm + 1 {
            return Err(Refusal::NotHvm);
        }
        let (low_left, high_left) = self.left();
        if low > self.aperture - 128 {
            return Err(Refusal::Absent);
        }
        let taken = self.vgpus.len();
        for (short, is_short) in [
            (Short::Instances, taken >= 7),
            (Short::Low, low > low_left),
            (Short::High, high > high_left),
            (Short::Fences, 4 * (taken + 1) > 28),
        ] {
            if is_short {
                return Err(Refusal::Full(short));
            }
        }
        let vgpu = self.place(low, high).ok_or(Refusal::Fragmented)?;
        self.vgpus.insert(domid, vgpu.clone());
        Ok(vgpu)
    }

    /// How many MB of low and of high memory nobody has, in whatever pieces.
    pub(crate) fn left(&self) -> (usize, usize) {
        let free = |used: &[bool]| used.iter().filter(|used| !**used).count();
        let used = self.used();
        (free(&used[..self.aperture]), free(&used[self.aperture..]))
    }

    /// How many vGPUs of a type the sums allow beside the others.
    pub(crate) fn room(&self, (low, high): (usize, usize)) -> usize {
        let (low_left, high_left) = self.left();
        let taken = self.vgpus.len();
        (low_left / low).min(high_left / high).min(7 - taken).min((28 - 4 * taken) / 4)
    }

    fn place(&self, low: usize, high: usize) -> Option<Vgpu> {
        let used = self.used();
        let hole = |from: usize, to: usize, len: usize| {
            (from..)
                .step_by(2)
                .take_while(|at| at + len <= to)
                .find(|at| !used[*at..at + len].contains(&true))
        };
        let mut fences: Vec<usize> = (4..32).collect();
        fences.retain(|fence| self.vgpus.values().all(|vgpu| !vgpu.fences.contains(fence)));
        fences.truncate(4);
        Some(Vgpu {
            id: (1..8).find(|id| self.vgpus.values().all(|vgpu| vgpu.id != *id))?,
            low: (hole(0, self.aperture, low)?, low),
            high: (hole(self.aperture, self.ggtt, high)?, high),
            fences,
            paused: false,
        })
    }

    /// Every MB of the GGTT that is somebody's, the host's share included.
    fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.ggtt.max(self.aperture)];
        let host = [(0, 128), (self.aperture, 384.min(self.ggtt - self.aperture))];
        for (start, len) in self.vgpus.values().flat_map(|vgpu| [vgpu.low, vgpu.high]).chain(host) {
            used[start..start + len].fill(true);
        }
        used
    }
}
