use libxengt::addr::HostGma;

fn main() {
    let _address: HostGma = 0x1000_u64.into();
}
