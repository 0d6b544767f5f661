//! The simulated kernel's half of the control protocol: the words in, errnos out.

use std::io;

use super::allocator;
use super::state::{DomainKind, State};
use super::{Sim, SimError};
use crate::addr::DomId;
use crate::capacity::Demand;
use crate::control::{Command, ControlPort, CreateRequest};
use crate::vgpu_type::VgpuType;

impl ControlPort for Sim {
    fn write_control(&self, text: &str) -> io::Result<()> {
        let command = text.parse::<Command>().map_err(|_| errno(libc::EINVAL))?;
        self.change(|state| match command {
            Command::Create(request) => create(state, &request),
            Command::Destroy(domid) => {
                state.vgpus.retain(|vgpu| vgpu.domid != domid.get());
                Ok(())
            }
        })
    }

    fn write_schedule(&self, domid: DomId, run: bool) -> io::Result<()> {
        self.change(|state| {
            let vgpu = state.vgpus.iter_mut().find(|vgpu| vgpu.domid == domid.get());
            vgpu.ok_or_else(|| errno(libc::ENOENT))?.paused = !run;
            Ok(())
        })
    }
}

impl Sim {
    /// Changes the truth in one step, then makes the tree follow.
    fn change(&self, edit: impl FnOnce(&mut State) -> io::Result<()>) -> io::Result<()> {
        let _turn = self.lock().map_err(io_error)?;
        self.reconcile().map_err(io_error)?;
        let mut state = State::load(&self.state_path()).map_err(io_error)?;
        let before = state.clone();
        edit(&mut state)?;
        state.save(&self.state_path()).map_err(io_error)?;
        self.reconcile().or_else(|error| self.take_back(&before, &state, error)).map_err(io_error)
    }

    /// The tree could not follow: a create that failed must leave nothing. (A destroy stays the truth, and the
    /// next to open the host goes on with it.)
    fn take_back(&self, before: &State, after: &State, error: SimError) -> Result<(), SimError> {
        let added: Vec<_> = after.vgpus.iter().filter(|vgpu| !before.vgpus.contains(vgpu)).collect();
        if after.vgpus.len() > before.vgpus.len() {
            before.save(&self.state_path())?;
            for vgpu in added {
                if let Err(error) = self.wipe(vgpu) {
                    log::warn!("simulated host: cannot take back the vGPU of domain {}: {error}", vgpu.domid);
                }
            }
        }
        Err(error)
    }
}

fn create(state: &mut State, request: &CreateRequest) -> io::Result<()> {
    let domid = request.domid;
    let domain = state.domains.iter().find(|domain| domain.domid == domid.get());
    match domain.map(|domain| domain.kind) {
        None => return Err(errno(libc::ESRCH)),
        Some(DomainKind::Pv) => return Err(errno(libc::EOPNOTSUPP)),
        Some(DomainKind::Hvm) => {}
    }
    if state.vgpus.iter().any(|vgpu| vgpu.domid == domid.get()) {
        return Err(errno(libc::EEXIST));
    }
    let ty = VgpuType::by_low_mb(request.low_mb.into()).map_err(|_| errno(libc::EINVAL))?;
    state.resources().admit(&state.usage(), Demand::from(ty)).map_err(|e| errno(e.kernel_errno()))?;
    let record = allocator::allocate(state, domid, ty).ok_or_else(|| errno(libc::ENOSPC))?;
    state.vgpus.push(record);
    Ok(())
}

fn errno(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

/// What a kernel that cannot keep its own books would say; the details go to the log, as they would. The
/// file's own errno would mean something else in the protocol: `ENOENT`, say, that there is no such vGPU.
fn io_error(error: SimError) -> io::Error {
    log::error!("simulated host: {error}");
    errno(libc::EIO)
}
