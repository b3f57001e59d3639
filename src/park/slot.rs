//! The slot: the place of one value on its way from one OS thread to another.

use crate::shim::sync::atomic::{AtomicU8, Ordering};
use crate::shim::{UnsafeCell, const_fn};

/// Nothing has come yet.
const PENDING: u8 = 0;
/// Somebody is putting the value in.
const FILLING: u8 = 1;
/// The value is there.
const FULL: u8 = 2;
/// The value was taken, or none will come.
const GONE: u8 = 3;

/// What a look into a [`Slot`] finds.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Taken<T> {
    /// Nothing yet.
    Pending,
    /// The value, once.
    Value(T),
    /// Nothing, for ever.
    Gone,
}

/// A place for one value. It wakes nobody: the sender signals after `put` or `close`, and the receiver looks again.
pub(crate) struct Slot<T> {
    state: AtomicU8,
    /// Some only while full. Belongs to whoever changed `state` to filling, or from full.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: S15: the value moves from the thread that puts it to the one that takes it, which `T: Send` allows; `state` lets
// one thread at a time at it, so no `&T` is ever shared.
unsafe impl<T: Send> Sync for Slot<T> {}

// Memory ordering. The put releases the value with `FULL`, the take acquires it with the exchange to `GONE`. A change from
// pending carries nothing: the cell is as `new` left it, and the slot itself was shared by other means.
impl<T> Slot<T> {
    const_fn! {
        pub(crate) const fn new() -> Slot<T> {
            Slot { state: AtomicU8::new(PENDING), value: UnsafeCell::new(None) }
        }
    }

    /// Puts the value in. If the slot is not pending any more, drops it.
    pub(crate) fn put(&self, value: T) {
        if self.change(PENDING, FILLING, Ordering::Relaxed) {
            // SAFETY: S15: one thread only changes pending to filling, and none looks at the cell before it is full.
            self.value.with_mut(|place| unsafe { *place = Some(value) });
            self.state.store(FULL, Ordering::Release);
        }
    }

    /// Says that no value will come. A value that is there stays.
    pub(crate) fn close(&self) {
        self.change(PENDING, GONE, Ordering::Relaxed);
    }

    /// Takes the value out, if it is there.
    pub(crate) fn take(&self) -> Taken<T> {
        if self.change(FULL, GONE, Ordering::Acquire) {
            // SAFETY: S15: one thread only changes full to gone, and none puts after that.
            let value = self.value.with_mut(|place| unsafe { (*place).take() });
            return value.map_or(Taken::Gone, Taken::Value);
        }
        match self.state.load(Ordering::Relaxed) {
            GONE => Taken::Gone,
            _ => Taken::Pending,
        }
    }

    fn change(&self, from: u8, to: u8, success: Ordering) -> bool {
        self.state.compare_exchange(from, to, success, Ordering::Relaxed).is_ok()
    }
}
