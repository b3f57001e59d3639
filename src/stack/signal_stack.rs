//! A stack for signal handlers, for OS threads that have none.
//!
//! The handler of an overflow cannot run on the stack that overflowed. std gives every thread it starts an alternate
//! one (man 2 sigaltstack); threads that a C library started come without.

use std::cell::OnceCell;

use crate::sys;

/// What the handlers may use above what the kernel pushes: ours needs 2 KiB, those it calls may want more.
const ROOM: usize = 32 << 10;

thread_local! {
    static OWN: OnceCell<Option<SignalStack>> = const { OnceCell::new() };
}

/// Sees to it that this OS thread has an alternate stack. If it can get none, an overflow is a bare SIGSEGV.
pub(super) fn provide() {
    // Where thread-locals are gone nothing would take it away again, so it gets none either.
    let _ = OWN.try_with(|own| {
        own.get_or_init(|| if sys::signal_stack().is_none() { SignalStack::install() } else { None });
    });
}

/// An alternate stack of ours, with one page below it that faults.
#[derive(Debug)]
struct SignalStack {
    start: usize,
    bytes: usize,
}

impl SignalStack {
    fn install() -> Option<SignalStack> {
        let guard = sys::page_size();
        let bytes = guard + (sys::least_signal_stack() + ROOM).next_multiple_of(guard);
        let start = sys::reserve(bytes).ok()?;
        let stack = SignalStack { start, bytes };
        // SAFETY: mapped just now and used for nothing else until `drop` below.
        unsafe {
            sys::forbid_access(start, guard).ok()?;
            sys::set_signal_stack(start + guard, bytes - guard).ok()?;
        }
        Some(stack)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        let is_ours = |lowest: usize| (self.start..self.start + self.bytes).contains(&lowest);
        if sys::signal_stack().is_some_and(is_ours) && sys::remove_signal_stack().is_err() {
            return; // A handler stands on it, and ends its OS thread from there: it is leaked.
        }
        // SAFETY: the kernel does not know it any more, and no handler runs on it.
        let _ = unsafe { sys::unmap(self.start, self.bytes) };
    }
}
