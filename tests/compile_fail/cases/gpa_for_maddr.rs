use libxengt::addr::{Gpa, Maddr};

fn read_machine(_at: Maddr) {}

fn main() {
    read_machine(Gpa::new(0x1000));
}
