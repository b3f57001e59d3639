//! The pause after an error that passes.

use std::io;
use std::time::Duration;

use crate::sync::Event;

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);

/// Pauses that double, until something succeeds.
pub(super) struct BackOff {
    next: Duration,
}

impl BackOff {
    pub(super) fn new() -> BackOff {
        BackOff { next: SHORTEST }
    }

    pub(super) fn success(&mut self) {
        self.next = SHORTEST;
    }

    /// Waits; not once `end` is set. It fails if a cancel or an expired timeout ends the wait.
    pub(super) fn pause(&mut self, end: &Event) -> io::Result<()> {
        end.wait_fallibly(self.next)?;
        self.next = LONGEST.min(self.next * 2);
        Ok(())
    }
}

/// Whether an error of a server's socket is about one lost peer, or about a want that others can end: accept(2), "Error
/// handling". At a limit of descriptors the kernel reports no further event, so waiting for one would last for ever.
pub(super) fn passes(error: &io::Error) -> bool {
    use libc::{ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO};
    matches!(error.raw_os_error(), Some(ECONNABORTED | EINTR | EMFILE | ENFILE | ENOBUFS | ENOMEM | EPROTO))
}

#[test]
fn pauses_double_from_5_ms_to_1_s_and_start_again_after_a_success() {
    let over = Event::new();
    over.set();
    let mut pauses = BackOff::new();
    let mut next = || {
        let length = pauses.next.as_millis();
        pauses.pause(&over).unwrap();
        length
    };
    let lengths: Vec<u128> = (0..10).map(|_| next()).collect();
    assert_eq!(lengths, [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    pauses.success();
    assert_eq!(pauses.next, SHORTEST);
}
