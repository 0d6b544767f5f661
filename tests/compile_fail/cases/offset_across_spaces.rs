use libxengt::addr::{GuestGma, HostGma};

fn main() {
    let _distance = HostGma::new(0x2000).offset_from(GuestGma::new(0x1000));
}
