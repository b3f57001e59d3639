//! The floor under what crosses OS threads: std's synchronisation, or loom's when the models are built.
//!
//! A file that crosses OS threads takes its atomics, `Arc` and cell from here, and declares its constructors with
//! [`const_fn!`]. The models (`loom-tests/`) compile that very file with `cfg(loom)`; nothing else in it knows.

#[cfg(loom)]
pub(crate) use loom::{cell::UnsafeCell, sync};
#[cfg(all(not(loom), not(feature = "monkey")))]
pub(crate) use std::sync;

pub(crate) use latch::{Latch, Latched};

/// std's synchronisation, with the runtime's own in place of what may block.
#[cfg(all(not(loom), feature = "monkey"))]
pub(crate) mod sync {
    pub(crate) use super::own::{Mutex, OnceLock};
    pub(crate) use std::sync::*;
}

/// What the runtime does for itself on the stack of a green thread. With the module `monkey` calls that block park the green
/// thread that makes them; those of the runtime, which holds latches and borrows of its own, must block the OS thread.
#[cfg(all(not(loom), feature = "monkey"))]
pub(crate) mod own {
    use std::cell::Cell;
    use std::sync::{LockResult, MutexGuard, TryLockError};

    thread_local! {
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }

    /// Runs what is the runtime's own business. It does not switch.
    pub(crate) fn business<R>(f: impl FnOnce() -> R) -> R {
        struct Ends;
        impl Drop for Ends {
            fn drop(&mut self) {
                DEPTH.set(DEPTH.get() - 1);
            }
        }
        DEPTH.set(DEPTH.get() + 1);
        let _ends = Ends;
        f()
    }

    /// Is the calling OS thread about such business?
    #[allow(dead_code, reason = "unused where `monkey` has no calls")]
    #[inline(always)]
    pub(crate) fn is_business() -> bool {
        DEPTH.get() != 0
    }

    /// std's mutex, for what the runtime keeps: to wait for it is the runtime's own business.
    #[derive(Default)]
    pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) const fn new(value: T) -> Mutex<T> {
            Mutex(std::sync::Mutex::new(value))
        }

        #[inline]
        pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => Err(poisoned),
                Err(TryLockError::WouldBlock) => business(|| self.0.lock()),
            }
        }
    }

    /// std's cell, for what the runtime finds out once.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

    impl<T> OnceLock<T> {
        pub(crate) const fn new() -> OnceLock<T> {
            OnceLock(std::sync::OnceLock::new())
        }

        #[inline]
        pub(crate) fn get(&self) -> Option<&T> {
            self.0.get()
        }

        #[inline]
        pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            self.0.get().unwrap_or_else(|| business(|| self.0.get_or_init(make)))
        }
    }
}

/// Nobody takes the place of a call in the models.
#[cfg(loom)]
pub(crate) mod own {
    pub(crate) fn business<R>(f: impl FnOnce() -> R) -> R {
        f()
    }
}

/// [`std::cell::UnsafeCell`] in loom's shape: each access is a closure, so that loom sees where it begins and ends.
#[cfg(not(loom))]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Lends the place of the value to `access`, which alone may touch it meanwhile.
    pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
        access(self.0.get())
    }
}

/// Declares a `const fn`, which under loom is a plain one: loom's types register themselves when they are made.
#[cfg(not(loom))]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)+) => {
        $(#[$attribute])* $visibility const fn $($rest)+
    };
}

#[cfg(loom)]
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)+) => {
        $(#[$attribute])* $visibility fn $($rest)+
    };
}

pub(crate) use const_fn;

/// How often whoever waits for another OS thread looks before it sleeps. What it waits for is often done in less time than a
/// sleep takes, or as soon as whoever does it gets the core.
pub(crate) const LOOKS: u32 = if cfg!(loom) { 1 } else { 8 };

/// After so many of the looks the core is given away, if anybody else wants it. The models never come to that.
pub(crate) const LOOKS_ON_CORE: u32 = if cfg!(loom) { LOOKS } else { 4 };

/// What to do between two looks: next to nothing, then twice as much from look to look, then let the system run somebody else.
pub(crate) fn turn_round(look: u32) {
    if look < LOOKS_ON_CORE {
        (0..1 << look).for_each(|_| std::hint::spin_loop());
    } else {
        std::thread::yield_now();
    }
}

/// The shortest of locks: for a few instructions that run no code but the crate's own and wait for nothing.
///
/// One exchange takes it and one store gives it back. Who finds it taken turns round a few times, then lets the system
/// run somebody else: its holder was interrupted.
#[cfg(not(loom))]
mod latch {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    pub(crate) struct Latch {
        taken: AtomicBool,
    }

    /// The right to what the latch guards; dropping it gives it back.
    pub(crate) struct Latched<'a>(&'a Latch);

    impl Latch {
        pub(crate) const fn new() -> Latch {
            Latch { taken: AtomicBool::new(false) }
        }

        #[inline(always)]
        pub(crate) fn lock(&self) -> Latched<'_> {
            if self.taken.swap(true, Ordering::Acquire) {
                self.lock_slowly();
            }
            Latched(self)
        }

        #[cold]
        fn lock_slowly(&self) {
            let mut tries = 0u32;
            loop {
                while self.taken.load(Ordering::Relaxed) {
                    back_off(tries);
                    tries = tries.saturating_add(1);
                }
                if !self.taken.swap(true, Ordering::Acquire) {
                    return;
                }
            }
        }
    }

    impl Drop for Latched<'_> {
        #[inline(always)]
        fn drop(&mut self) {
            self.0.taken.store(false, Ordering::Release);
        }
    }

    /// The sleep is for systems whose yield never runs a thread of lower priority.
    fn back_off(tries: u32) {
        match tries {
            0..32 => super::turn_round(tries),
            #[cfg(not(feature = "monkey"))]
            _ => std::thread::sleep(Duration::from_micros(50)),
            #[cfg(feature = "monkey")]
            _ => super::own::business(|| std::thread::sleep(Duration::from_micros(50))),
        }
    }
}

/// A flag, not the guard of a mutex: loom switches stacks, so a guard that is dropped while another thread of the model
/// unwinds would poison its mutex, which loom takes for a failure.
#[cfg(loom)]
mod latch {
    use loom::sync::{Condvar, Mutex};

    pub(crate) struct Latch {
        taken: Mutex<bool>,
        given_back: Condvar,
    }

    pub(crate) struct Latched<'a>(&'a Latch);

    impl Latch {
        pub(crate) fn new() -> Latch {
            Latch { taken: Mutex::new(false), given_back: Condvar::new() }
        }

        pub(crate) fn lock(&self) -> Latched<'_> {
            let mut taken = self.taken.lock().unwrap();
            while *taken {
                taken = self.given_back.wait(taken).unwrap();
            }
            *taken = true;
            Latched(self)
        }
    }

    impl Drop for Latched<'_> {
        fn drop(&mut self) {
            *self.0.taken.lock().unwrap() = false;
            self.0.given_back.notify_one();
        }
    }
}
