//! Text that people and files give as addresses and domain ids.
#![forbid(unsafe_code)]

use libxengt::addr::{DomId, Gfn, Gpa, GuestGma, HostGma, PpgttAddr};
use std::fmt::{Debug, Display, LowerHex};
use std::str::FromStr;

/// Text is refused, or read as a number that is printed and read back the same.
pub fn addresses(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    round_trip::<GuestGma>(text);
    round_trip::<HostGma>(text);
    round_trip::<PpgttAddr>(text);
    round_trip::<Gpa>(text);
    round_trip::<Gfn>(text);
    if let Ok(domid) = text.parse::<DomId>() {
        assert!(domid.get() != 0 && domid <= DomId::MAX);
        assert_eq!(domid.to_string().parse(), Ok(domid));
    }
}

fn round_trip<A: FromStr<Err: Display> + Display + LowerHex + Debug + PartialEq>(text: &str) {
    match text.parse::<A>() {
        Ok(address) => {
            let printed = format!("{address}");
            assert!(printed.parse::<A>().is_ok_and(|again| again == address), "{text:?} became {printed}");
            assert_eq!(printed, format!("{address:#x}"));
        }
        Err(error) => assert!(error.to_string().contains("give decimal"), "{error}"),
    }
}
