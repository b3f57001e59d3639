//! Work on the OS thread's own stack.

use std::cell::Cell;

use crate::greenlet::chain;
use crate::greenlet::switch;
use crate::hub;

thread_local! {
    /// The OS thread's own stack is in use already: further frames go below, where they would go anyway.
    static THERE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` on the OS thread's own, large stack: for deep recursion, or C libraries that want room.
///
/// A panic of `f` goes on in the caller.
///
/// # Switching
///
/// Never: what would park inside panics.
///
/// # Panics
///
/// Panics if `f` does.
///
/// # Examples
///
/// ```
/// fn depth(n: u32) -> u32 {
///     let frame = std::hint::black_box([0u8; 1024]);
///     if n == 0 { frame[0].into() } else { depth(n - 1) + 1 }
/// }
/// let green = greenroom::spawn(|| greenroom::thread::on_hub_stack(|| depth(1000)));
/// assert_eq!(green.join().unwrap(), 1000);
/// ```
pub fn on_hub_stack<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    if THERE.get() {
        return f();
    }
    let _no_switch = chain::forbid();
    let _there = There::enter();
    let green = hub::try_current().map(|hub| hub.running().yielder.get()).filter(|way| !way.is_null());
    match chain::roots_outermost_yielder().or(green) {
        // SAFETY: the coroutine that this way leads out of is running, and this frame stands on its stack or on one
        // that was entered from it; `f` does not switch: the guard above makes every switch panic (S7).
        Some(way) => unsafe { switch::on_resumers_stack(way, f) },
        None => f(),
    }
}

struct There;

impl There {
    fn enter() -> There {
        THERE.set(true);
        There
    }
}

impl Drop for There {
    fn drop(&mut self) {
        THERE.set(false);
    }
}
