//! `hold`: reads of a guest's memory that go on until the guest is gone.

use std::thread;
use std::time::Duration;

use libxengt::addr::{DomId, Gpa};
use libxengt::memory::GuestMemory;
use libxengt::root::Root;
use libxengt::xen::xenstore::Lifetime;
use libxengt::xen::{LiveMemory, Xen};

use crate::Outcome;

const STEP: u64 = 2 << 20;
/// A guest of the lab has that many steps of memory, also one that gave half of it back.
const MANY: u64 = 16;
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) fn hold(domid: DomId) -> Outcome {
    let root = Root::system();
    let xen = Xen::open(&root)?;
    let memory = LiveMemory::new(&xen, domid)?;
    let mut lifetime = Lifetime::watch(&root, domid)?;
    let end = xen.maximum_gpfn(domid)?.get() << 12;
    let (mut read, mut holes) = (0_u64, 0_u64);
    println!("holding");
    for at in (0..end).step_by(usize::try_from(STEP)?).cycle() {
        match memory.read_u64(Gpa::try_new(at)?) {
            Ok(_) => read += 1,
            Err(_) => holes += 1,
        }
        if lifetime.has_ended()? {
            break;
        }
        thread::sleep(PAUSE);
    }
    println!("ended after {} reads", if read >= MANY { "many" } else { "few" });
    // What is mapped stays what it was, and a new handle is refused or finds holes.
    match memory.read_u64(Gpa::new(0x10_0000)) {
        Ok(_) => println!("mapped memory can still be read"),
        Err(error) => println!("read: {error}"),
    }
    drop(memory);
    match LiveMemory::new(&xen, domid).map(|memory| memory.read_u64(Gpa::new(0x10_0000))) {
        Ok(Ok(_)) => println!("the dead domain's memory can be mapped"),
        Ok(Err(error)) => println!("now: {error}"),
        Err(error) => println!("now: {error}"),
    }
    println!("{read} read, {holes} holes of the guest's memory map");
    Ok(read >= MANY)
}
