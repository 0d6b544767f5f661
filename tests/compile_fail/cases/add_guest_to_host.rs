use libxengt::addr::{GuestGma, HostGma};

fn main() {
    let _sum = HostGma::new(0x1000) + GuestGma::new(0x1000);
}
