//! Models of `src/park/bell.rs`.

use std::time::Duration;

use loom::sync::Arc;

use super::{beside, check};
use crate::park::bell::{Bell, Heard};
use crate::park::line::How;
use crate::park::seat::{Limit, Manner, Seat, Victim, WaitingFor, unless_killed};

fn hear(bell: &Bell, limit: Option<Limit>) -> bool {
    let how = How { manner: Manner::Infallible, what: WaitingFor::AFuture, limit };
    bell.wait(how) != Ok(Heard::Not)
}

fn hear_soon(bell: &Bell) -> bool {
    hear(bell, Seat::here().limit(Duration::ZERO))
}

/// Preemptions: 3. Seen to fail with a ring that is not remembered.
#[test]
fn a_ring_before_or_while_one_waits_is_heard() {
    check(3, || {
        let bell = Arc::new(Bell::new());
        let ringer = beside(&bell, Bell::ring);
        assert!(hear(&bell, None));
        ringer.join().unwrap();
        assert!(!hear_soon(&bell));
    });
}

/// Preemptions: 3. Seen to fail with a `line::wait` that ends at its limit whatever it was told.
#[test]
fn a_ring_that_meets_the_limit_is_heard_or_remembered() {
    check(3, || {
        let bell = Arc::new(Bell::new());
        let ringer = beside(&bell, Bell::ring);
        let heard = hear_soon(&bell);
        ringer.join().unwrap();
        assert!(heard != hear_soon(&bell));
    });
}

/// Preemptions: 3. Seen to fail with a `pass_on` that does nothing.
#[test]
fn a_ring_that_meets_a_kill_is_heard_or_remembered() {
    check(3, || {
        let (bell, victim) = (Arc::new(Bell::new()), Victim::here());
        let ringer = beside(&bell, move |bell| {
            bell.ring();
            victim.kill();
        });
        let heard = unless_killed(|| hear(&bell, None)).is_some();
        ringer.join().unwrap();
        let killed_later = unless_killed(|| heard != hear_soon(&bell));
        assert_ne!(killed_later, Some(false));
    });
}
