//! The switch: one coroutine on one of our stacks, and how control goes to it and comes back.
//!
//! ```text
//!   resumer's stack                      coroutine's stack
//!   ───────────────                      ─────────────────
//!   resume(word) ──── word in ─────────▶ first time: body(yielder, word)
//!        ▲                               later:      suspend(…) returns word
//!        │                                    │
//!        ├──── Step::Suspended(word) ◀── suspend(yielder, word)
//!        └──── Step::Ended ◀──────────── body returned
//! ```
//!
//! This is the only file that names `corosensei`. Everything that switches in this crate (green threads,
//! greenlets, generators) is one [`Coroutine`] of one type; what they hand over is one machine word, mostly the
//! address of a slot in the frame that waits for the answer.
//!
//! A coroutine may be suspended from *any* stack that was entered on top of it: `suspend` saves the registers where
//! it is called and returns to whoever resumed the coroutine that the yielder belongs to. All that stands in between
//! (a generator half-way through a `send`, a family of greenlets) stops and goes on with it, in constant time.
//!
//! A switch keeps the registers that a function call keeps. The control words of the floating-point units (rounding,
//! exceptions) are not saved: they belong to the OS thread, and who changes them changes them for all.

use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use corosensei::stack::valgrind::ValgrindStackRegistration;
use corosensei::{Coroutine as Raw, CoroutineResult};

use crate::stack::Stack;

/// The way back from a coroutine to whoever resumed it last. It lives at the base of the coroutine's stack, at the
/// same address from the first resume to the end.
pub(crate) type Yielder = corosensei::Yielder<usize, usize>;

/// How a resumed coroutine came back.
pub(crate) enum Step {
    /// It called [`suspend`] with this word and waits for the next [`Coroutine::resume`].
    Suspended(usize),
    /// Its body returned; its stack is free.
    Ended,
}

/// A body with a stack of its own.
///
/// Dropping one that is suspended leaks its stack, for ever: what stands on it was not unwound, so its memory may be
/// neither unmapped nor used again (S8). Unwinding is the business of whoever knows what the words mean.
pub(crate) struct Coroutine {
    /// Never dropped as such: without its feature `unwind` corosensei ends the process then, and with it it unwinds by force,
    /// which re-throws at each suspension (S31).
    raw: ManuallyDrop<Raw<usize, usize, usize, Stack>>,
}

impl Coroutine {
    /// Prepares `body` to run on `stack` at the first [`resume`](Self::resume).
    ///
    /// `body` must not unwind: it catches what it runs, or the process ends. It is moved onto the new stack, so it is small.
    #[inline(always)]
    pub(crate) fn new<F>(stack: Stack, body: F) -> Coroutine
    where
        F: FnOnce(&Yielder, usize) -> usize + 'static,
    {
        const { assert!(size_of::<F>() <= 64, "box what a coroutine starts with") }
        if stack.is_fresh() {
            // A stack keeps its address until the process unmaps it, and so does valgrind's record of it.
            let lowest = stack.bottom() as *mut u8;
            std::mem::forget(ValgrindStackRegistration::new(lowest, stack.top() - stack.bottom()));
        }
        Coroutine { raw: ManuallyDrop::new(Raw::with_stack(stack, body)) }
    }

    /// Runs the coroutine until it suspends or ends. It must not have ended, nor be running.
    #[inline(always)]
    pub(crate) fn resume(&mut self, word: usize) -> Step {
        match self.raw.resume(word) {
            CoroutineResult::Yield(word) => Step::Suspended(word),
            CoroutineResult::Return(_) => Step::Ended,
        }
    }

    /// Takes the stack back from a coroutine that has ended.
    ///
    /// # Panics
    ///
    /// Panics if it has not.
    #[inline(always)]
    pub(crate) fn into_stack(self) -> Stack {
        // corosensei panics if it has not ended, and tells an address sanitizer that the stack is free for others.
        ManuallyDrop::into_inner(self.raw).into_stack()
    }

    /// As [`into_stack`](Self::into_stack), where it lies: to move what was just written to stalls the processor.
    ///
    /// # Safety
    ///
    /// It has ended, and is not used after this.
    #[inline(always)]
    pub(crate) unsafe fn take_stack(&mut self) -> Stack {
        // SAFETY: it has ended, so nothing stands on its stack, and is not used after this (caller). It is reset already; said
        // again, the compiler knows that nothing can fail, and so what it need not move.
        unsafe {
            let mut raw = ManuallyDrop::take(&mut self.raw);
            raw.force_reset();
            raw.into_stack()
        }
    }
}

/// Returns control, and `word`, to whoever resumed the coroutine of `yielder`; returns the word of the next resume.
///
/// It stands in its caller, not behind a call: the processor predicts returns from a stack of calls, and a
/// switch that is itself a call costs six times as much.
///
/// # Safety
///
/// `yielder` belongs to a coroutine that has begun and has not ended, and the calling frame stands on its stack or
/// on one that was entered from it and is still entered (S7, S8).
#[inline(always)]
pub(crate) unsafe fn suspend(yielder: *const Yielder, word: usize) -> usize {
    // SAFETY: the coroutine has not ended, so its stack and the yielder at its base are there (caller).
    unsafe { (*yielder).suspend(word) }
}

/// Where on its stack the caller stands, nearly.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let here: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it reads a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: it reads a register.
    unsafe {
        std::arch::asm!("mov {}, sp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let marker = 0u8;
        here = (&raw const marker).addr();
    }
    here
}

/// Runs `f` on the stack from which the coroutine of `yielder` was resumed, below all that stands there. Its panic goes on in
/// the caller: it is carried over, because no unwinding finds its way from stack to stack.
///
/// # Safety
///
/// As for [`suspend`]; and `f` does not switch.
pub(crate) unsafe fn on_resumers_stack<R: Send>(yielder: *const Yielder, f: impl FnOnce() -> R + Send) -> R {
    let contained = || catch_unwind(AssertUnwindSafe(f));
    // SAFETY: the coroutine is running, so its resumer waits and its stack is free below the saved pointer (caller).
    match unsafe { (*yielder).on_parent_stack(contained) } {
        Ok(value) => value,
        Err(payload) => resume_unwind(payload),
    }
}

// SAFETY: it is mapped, 16-byte aligned at the top, larger than 4 KiB, with a guard below its bottom that faults on every touch
// (S22), until it is given back, which is after the coroutine has ended.
unsafe impl corosensei::stack::Stack for Stack {
    #[inline]
    fn base(&self) -> NonZeroUsize {
        self.top_address()
    }

    #[inline]
    fn limit(&self) -> NonZeroUsize {
        self.limit_address()
    }
}
