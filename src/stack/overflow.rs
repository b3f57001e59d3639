//! The report of an overflow: a sentence on the standard error, then the end of the process, as std does it.
//!
//! A user that needs more stack than it has runs into the guard, which faults. The kernel then calls [`on_fault`] on
//! the alternate stack of the OS thread. A fault that is none of ours goes on to whoever handled it before us (std,
//! a crash reporter); if nobody did, it happens again with nobody to handle it, and so ends the process as ever.

use std::ffi::{c_int, c_void};
use std::fmt::{self, Write};
use std::sync::{Once, OnceLock};

use super::label::Label;
use super::registry;
use super::slot::Stack;
use crate::sys::{self, SignalAction};

/// Linux says SIGSEGV for a guard, other systems may say SIGBUS.
const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What happened on each of the signals before us.
static BEFORE: [OnceLock<SignalAction>; 2] = [OnceLock::new(), OnceLock::new()];

/// Handles the signals of an overflow from now on, once for the whole process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (signal, before) in SIGNALS.into_iter().zip(&BEFORE) {
            let Ok(action) = sys::signal_action(signal) else { continue };
            // Known before the handler is there, since that may run at once.
            before.get_or_init(|| action);
            // SAFETY: `on_fault` reads atomics, formats into an array and writes; it waits for nothing.
            let _ = unsafe { sys::handle_signal(signal, on_fault) };
        }
    });
}

/// The handler.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel hands over both, filled for this signal (man 2 sigaction).
    let label = unsafe {
        // Not above 0: somebody sent it, and there is no address in it.
        if (*info).si_code > 0 {
            overflowing((*info).si_addr() as usize, sys::interrupted_stack_pointer(context))
        } else {
            None
        }
    };
    match label {
        Some(label) => {
            report(label);
            std::process::abort();
        }
        None => hand_on(signal, info, context),
    }
}

/// Who has used up its stack, if a fault at `address` says so.
fn overflowing<'a>(address: usize, stack_pointer: Option<usize>) -> Option<&'a Label> {
    let chunk = registry::find(address)?;
    let (index, in_guard) = chunk.layout.locate(chunk.start, address);
    // A stray pointer of another OS thread may hit a guard too. Who overflows stands on a stack of this chunk, and so
    // neither the chunk nor the label can go away meanwhile.
    let stands_there = stack_pointer.is_none_or(|pointer| (chunk.start..chunk.end).contains(&pointer));
    if !in_guard || !stands_there {
        return None;
    }
    // SAFETY: the chunk is mapped (above). Who binds a stack keeps its label until the stack is given back
    // (`Pool::bind`), and a stack at rest has none.
    unsafe { Stack::label_above(chunk.layout.top(chunk.start, index)).as_ref() }
}

/// Says it without allocating.
fn report(label: &Label) {
    let mut line = Line { bytes: [0; 512], length: 0 };
    let _ = writeln!(line, "greenroom: {label}");
    line.flush();
}

/// Lets whoever handled the signal before us handle it.
fn hand_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let place = SIGNALS.iter().position(|known| *known == signal);
    let before = place.and_then(|place| BEFORE[place].get());
    // SAFETY: the kernel has filled the info.
    let was_sent = unsafe { (*info).si_code <= 0 };
    match before.map_or(libc::SIG_DFL, |action| action.sa_sigaction) {
        libc::SIG_IGN if was_sent => {}
        // A fault happens again when we return, and the kernel ignores none; what was sent must be sent again.
        libc::SIG_DFL | libc::SIG_IGN => {
            sys::default_signal(signal);
            if was_sent {
                sys::raise_signal(signal);
            }
        }
        handler if before.is_some_and(|action| action.sa_flags & libc::SA_SIGINFO != 0) => {
            // SAFETY: sigaction named this function, with this flag: it takes three arguments.
            let handler = unsafe { std::mem::transmute::<usize, sys::SignalHandler>(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: sigaction named this function, without that flag: it takes one argument.
            let handler = unsafe { std::mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
            handler(signal);
        }
    }
}

/// Text on its way to the standard error, in few writes and no allocation.
struct Line {
    bytes: [u8; 512],
    length: usize,
}

impl Line {
    fn flush(&mut self) {
        sys::write_to_stderr(&self.bytes[..self.length]);
        self.length = 0;
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.length == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::*;
    use crate::stack::{DEFAULT_SIZE, Kind, Pool, Settings};

    #[test]
    fn only_a_touch_of_the_guard_of_a_bound_stack_by_its_own_os_thread_is_an_overflow() {
        let pool = Pool::new(Settings::default());
        let class = pool.class(DEFAULT_SIZE).unwrap();
        pool.promise(class).unwrap();
        let label = Label::new(Kind::Greenlet, None, Location::caller(), pool.kib(class));
        let stack = pool.bind(class, &label).unwrap();
        let (top, bottom, limit) = (stack.top(), stack.bottom(), stack.limit_address().get());
        let elsewhere = &raw const label as usize;

        for touched in [bottom - 1, limit] {
            assert!(std::ptr::eq(overflowing(touched, Some(top - 64)).unwrap(), &label));
            assert!(std::ptr::eq(overflowing(touched, None).unwrap(), &label));
            assert!(overflowing(touched, Some(elsewhere)).is_none());
            // The first stack of a chunk begins where it begins; below may lie the stack of an OS thread.
            assert!(overflowing(touched, Some(limit - 64)).is_none());
        }
        assert!(overflowing(bottom, Some(top - 64)).is_none());
        assert!(overflowing(elsewhere, Some(top - 64)).is_none());
        pool.give_back(stack);
        assert!(overflowing(bottom - 1, Some(top - 64)).is_none());
    }
}
