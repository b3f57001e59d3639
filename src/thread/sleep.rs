//! Ways for a green thread to give way: yield, sleep, park.

use std::time::{Duration, Instant};

use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::remote::Identity;
use crate::hub::task::{WaitingFor, Woken};
use crate::park::{self, Manner};

/// Gives every green thread that is ready a turn, then goes on; std's `yield_now`, gevent's `sleep(0)`.
///
/// # Switching
///
/// Always, except while the caller is unwinding.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here.
///
/// # Examples
///
/// ```
/// greenroom::run(|| {
///     greenroom::spawn(|| print!("first, "));
///     greenroom::yield_now();
///     println!("then me");
/// });
/// ```
#[inline(always)]
pub fn yield_now() {
    park::yield_turn(Manner::Infallible);
}

/// Sleeps for at least `duration`; the others run meanwhile.
///
/// An idle hub sleeps up to 1 % longer than asked, so that neighbours wake together: at most 50 µs, or 200 µs if it has worked
/// much since it woke. On Linux less than a millisecond is honoured. A duration beyond the clock's range means for ever; zero
/// is a [`yield_now`].
///
/// # Switching
///
/// Always, except while the caller is unwinding: then it returns at once.
///
/// # Cancellation
///
/// [`cancel`](crate::JoinHandle::cancel) ends the sleep early; a kill and an expired timeout unwind here.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// let before = Instant::now();
/// greenroom::sleep(Duration::from_micros(300));
/// assert!(before.elapsed() >= Duration::from_micros(300));
/// ```
pub fn sleep(duration: Duration) {
    if duration.is_zero() {
        return yield_now();
    }
    rest(hub::current().clock.after(duration));
}

/// Sleeps until the clock shows `instant`; a moment that is past is a [`yield_now`].
///
/// # Switching
///
/// Always, except while the caller is unwinding.
///
/// # Cancellation
///
/// As [`sleep`].
pub fn sleep_until(instant: Instant) {
    let clock = &hub::current().clock;
    if instant <= Instant::now() {
        return yield_now();
    }
    rest(clock.at(instant));
}

#[inline(always)]
fn rest(deadline: Option<Moment>) {
    // Both ways of being interrupted, cancel and unwinding, mean: return early.
    let _ = park::park(Manner::Sleep, WaitingFor::Sleep, deadline);
}

/// Waits for a token from [`Thread::unpark`](crate::thread::Thread::unpark) and takes it; returns at once if there is
/// one. std's `park`, but it never returns without a token unless the caller is unwinding.
///
/// # Switching
///
/// May, if there is no token.
///
/// # Cancellation
///
/// A kill and an expired timeout unwind here.
///
/// # Examples
///
/// ```
/// use greenroom::{spawn, thread, yield_now};
///
/// let waiter = spawn(|| {
///     thread::park();
///     "woken"
/// });
/// yield_now();
/// waiter.thread().unpark();
/// assert_eq!(waiter.join().unwrap(), "woken");
/// ```
pub fn park() {
    wait_for_token(None);
}

/// Waits for a token, at most for `limit`.
///
/// # Switching
///
/// May, if there is no token.
///
/// # Cancellation
///
/// As [`park`].
pub fn park_timeout(limit: Duration) {
    wait_for_token(Some(limit));
}

fn wait_for_token(limit: Option<Duration>) {
    let hub = hub::current();
    let identity = hub::identity(hub.running());
    let deadline = limit.and_then(|limit| hub.clock.limit(limit));
    take_token(&identity, deadline);
}

/// Apart, so that the frame of a wait is not there yet while the identity is made: in debug builds both would not fit on a page.
fn take_token(identity: &Identity, deadline: Option<Moment>) {
    while !identity.token.take() {
        match park::park(Manner::Infallible, WaitingFor::Unpark, deadline) {
            Ok(Woken::Deadline) => {
                identity.token.take();
                return;
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
