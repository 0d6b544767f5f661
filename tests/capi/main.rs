//! The C ABI as its users meet it: the committed header, the library as `cargo cinstall` puts it on a
//! system, and C programs that are compiled against both and run under valgrind.

mod header;
mod install;
mod programs;
mod symbols;
