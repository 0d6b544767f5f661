//! Calls that were interrupted, or that Xen could not serve just now, are made again, a bounded number of times.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::error::{Errno, SysResult};

/// How often a call is made before its `EAGAIN` or `EINTR` is an error.
pub(crate) const ATTEMPTS: u32 = 50;
/// How long to wait after Xen could not serve a call.
const PAUSE: Duration = Duration::from_micros(200);

/// Makes `call`, again while it is interrupted (`EINTR`) or refused for now (`EAGAIN`).
pub(super) fn retry<T>(mut call: impl FnMut() -> SysResult<T>) -> SysResult<T> {
    for _ in 1..ATTEMPTS {
        match call() {
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EAGAIN)) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    call()
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, Errno, retry};

    #[test]
    fn interrupted_calls_are_made_again_but_not_for_ever() {
        for errno in [libc::EINTR, libc::EAGAIN] {
            let mut calls = 0;
            let result = retry(|| {
                calls += 1;
                if calls < 5 { Err(Errno(errno)) } else { Ok(calls) }
            });
            assert_eq!(result, Ok(5));
            let mut calls = 0;
            let result: Result<(), _> = retry(|| {
                calls += 1;
                Err(Errno(errno))
            });
            assert_eq!((result, calls), (Err(Errno(errno)), ATTEMPTS));
        }
    }

    #[test]
    fn other_errors_are_final() {
        for errno in (1..=133).filter(|errno| ![libc::EINTR, libc::EAGAIN].contains(errno)) {
            let mut calls = 0;
            let result: Result<(), _> = retry(|| {
                calls += 1;
                Err(Errno(errno))
            });
            assert_eq!((result, calls), (Err(Errno(errno)), 1));
        }
    }
}
