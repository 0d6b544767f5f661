use libxengt::addr::{Gfn, Mfn};

fn main() {
    let _frame: Mfn = Gfn::new(1);
}
