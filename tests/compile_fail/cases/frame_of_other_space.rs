use libxengt::addr::{Gpa, Mfn};

fn main() {
    let _frame: Mfn = Gpa::new(0x1000).frame();
}
