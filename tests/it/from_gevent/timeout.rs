//! Cases of gevent's `Timeout`, rewritten: `src/gevent/tests/test__timeout.py` and the generic cases of
//! `src/gevent/testing/timing.py`. Each names its source.
//!
//! A `Timeout` that carries an exception of the caller's has no counterpart: ours is a scope with a result.

use std::time::Instant;

use greenroom::{sleep, spawn, timeout};

use crate::support::{hub, ms, virtual_hub};

/// test_expires
#[test]
fn a_scope_that_waits_too_long_has_elapsed() {
    hub(|| {
        let before = Instant::now();
        assert!(timeout(ms(4), || sleep(ms(60_000))).is_err());
        assert!(before.elapsed() >= ms(4) && before.elapsed() < ms(30_000));
    });
}

/// test_expires: started again
#[test]
fn a_second_scope_elapses_like_the_first() {
    virtual_hub(|| {
        for _ in 0..2 {
            assert!(timeout(ms(2), || sleep(ms(5_000))).is_err());
        }
    });
}

/// test_context_manager: an expiry of somebody else's is not taken for one's own
#[test]
fn each_of_two_scopes_knows_its_own_expiry() {
    virtual_hub(|| {
        let inner_elapses = timeout(ms(5_000), || timeout(ms(2), || sleep(ms(5_000))));
        assert!(inner_elapses.unwrap().is_err());
        let mut inner_returned = false;
        let outer_elapses = timeout(ms(2), || {
            let inner = timeout(ms(5_000), || sleep(ms(5_000)));
            inner_returned = true;
            inner
        });
        assert!(outer_elapses.is_err() && !inner_returned);
    });
}

/// test_context_manager_false: the silent one, which goes on behind the scope
#[test]
fn the_code_behind_an_elapsed_scope_goes_on() {
    virtual_hub(|| {
        let reached = timeout(ms(2), || sleep(ms(5_000))).is_err();
        sleep(ms(2));
        assert!(reached);
    });
}

/// test_cancel
#[test]
fn a_scope_that_was_left_in_time_disturbs_nothing_later() {
    hub(|| {
        assert_eq!(timeout(ms(4), || 1), Ok(1));
        let before = Instant::now();
        sleep(ms(10));
        assert!(before.elapsed() >= ms(10));
    });
}

/// test_with_timeout: raises
#[test]
fn a_body_that_is_too_slow_has_no_value() {
    virtual_hub(|| {
        let value = timeout(ms(2), || {
            sleep(ms(5_000));
            "never"
        });
        assert!(value.is_err());
    });
}

/// test_with_timeout: timeout_value
#[test]
fn a_value_stands_in_for_a_body_that_is_too_slow() {
    virtual_hub(|| {
        assert_eq!(
            timeout(ms(2), || {
                sleep(ms(5_000));
                1
            })
            .unwrap_or(2),
            2
        )
    });
}

/// test_with_timeout: in time
#[test]
fn a_body_in_time_has_its_value() {
    virtual_hub(|| {
        assert_eq!(
            timeout(ms(5_000), || {
                sleep(ms(1));
                1
            }),
            Ok(1)
        )
    });
}

/// timing.py, test_outer_timeout_is_not_lost
#[test]
fn a_scope_around_a_join_with_a_longer_limit_is_not_lost() {
    virtual_hub(|| {
        let sleeper = spawn(|| sleep(ms(10_000)));
        assert!(timeout(ms(2), || sleeper.wait_timeout(ms(5_000))).is_err());
        sleeper.kill();
    });
}

/// timing.py, test_inner_timeout: the other way round
#[test]
fn a_shorter_limit_in_a_longer_scope_ends_the_wait_only() {
    virtual_hub(|| {
        let sleeper = spawn(|| sleep(ms(10_000)));
        assert_eq!(timeout(ms(5_000), || sleeper.wait_timeout(ms(2))), Ok(false));
        sleeper.kill();
    });
}

/// TestDirectRaise: nothing is pending that was never started
#[test]
fn a_body_that_does_not_wait_cannot_elapse() {
    hub(|| assert_eq!(timeout(ms(0), || 1), Ok(1)));
}
