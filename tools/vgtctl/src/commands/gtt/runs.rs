//! Runs of graphics addresses, as lines and JSON.

use libxengt::addr::PhysAddr;
use libxengt::gtt::{Access, GraphicsAddr, Run, Target};
use serde_json::{Value, json};

use crate::output::{hex, size};

/// What a memory space is called in output.
pub(super) fn memory<A: PhysAddr + 'static>() -> &'static str {
    if std::any::TypeId::of::<A>() == std::any::TypeId::of::<libxengt::addr::Gpa>() { "gpa" } else { "maddr" }
}

/// `writable, PPAT 0` or `read-only, PPAT 0`.
pub(super) fn access(access: Access) -> String {
    format!("{}, PPAT {}", if access.writable { "writable" } else { "read-only" }, access.ppat.get())
}

/// One line, with its newline.
pub(super) fn line<V: GraphicsAddr, A: PhysAddr>(run: &Run<V, A>) -> String {
    let last = run.start.get() + (run.len - 1);
    let target = match run.target {
        Target::Mapped { addr, access: how } => {
            format!("{} {:#x}, {}", memory::<A>(), addr.get(), access(how))
        }
        Target::Hole => "nothing".to_owned(),
        Target::Fault(error) => format!("fault: {error}"),
    };
    format!("{:#014x}-{last:#014x} {:>8}  {target}\n", run.start.get(), size(run.len))
}

/// The same as JSON.
pub(super) fn json<V: GraphicsAddr, A: PhysAddr>(run: &Run<V, A>) -> Value {
    let (start, bytes) = (hex(run.start.get()), run.len);
    match run.target {
        Target::Mapped { addr, access } => json!({
            "start": start,
            "bytes": bytes,
            "target": "mapped",
            memory::<A>(): hex(addr.get()),
            "writable": access.writable,
            "ppat": access.ppat.get(),
        }),
        Target::Hole => json!({ "start": start, "bytes": bytes, "target": "hole" }),
        Target::Fault(error) => {
            json!({ "start": start, "bytes": bytes, "target": "fault", "error": error.to_string() })
        }
    }
}

/// Whether a run is one that a reader must be warned of.
pub(super) fn is_fault<V, A>(run: &Run<V, A>) -> bool {
    matches!(run.target, Target::Fault(_))
}
