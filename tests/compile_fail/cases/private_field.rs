use libxengt::addr::Mfn;

fn main() {
    let _raw = Mfn::new(1).0;
}
