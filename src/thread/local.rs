//! Variables of which every green thread has its own.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::rc::Rc;

use crate::greenlet::unwind::contain;
use crate::hub;
use crate::hub::locals::Locals;
use crate::hub::task::State;

thread_local! {
    /// The values of this OS thread's root, which outlives its hubs.
    static ROOT: Locals = const { Locals::new() };
}

/// How often destructors of values may make new values, at the end of a green thread.
const ROUNDS: u32 = 32;

/// Declares variables of which every green thread, and the root of every OS thread, has its own; std's `thread_local!`,
/// one floor higher, and gevent's `local`.
///
/// A value is made when its green thread first uses it, and destroyed when that green thread ends, the last made first.
/// Those of a root stay until its OS thread ends, whatever hubs come and go.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// greenroom::green_local! {
///     static REQUEST: Cell<u32> = Cell::new(0);
/// }
///
/// REQUEST.set(1);
/// let other = greenroom::spawn(|| REQUEST.get()).join().unwrap();
/// assert_eq!((REQUEST.get(), other), (1, 0));
/// ```
#[macro_export]
macro_rules! green_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $value:expr);* $(;)?) => {$(
        $(#[$attribute])*
        $visibility static $name: $crate::thread::LocalKey<$type> =
            $crate::thread::LocalKey::new(|| -> $type { $value });
    )*};
}

/// The key of a [`green_local!`](crate::green_local) variable, with the methods of std's.
///
/// Every method but [`try_with`](Self::try_with) panics once the caller's value has been destroyed for good.
pub struct LocalKey<T: 'static> {
    make: fn() -> T,
}

/// The value is gone: its green thread, or its OS thread, is past the end of such values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the green thread has already destroyed its local values")
    }
}

impl Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    #[doc(hidden)]
    pub const fn new(make: fn() -> T) -> LocalKey<T> {
        LocalKey { make }
    }

    /// Lends the caller's own value to `f`, making it if need be.
    ///
    /// `f` may park; the value stays until `f` returns, even if its green thread ends meanwhile (a generator can carry
    /// the loan elsewhere).
    ///
    /// # Switching
    ///
    /// Never by itself.
    ///
    /// # Panics
    ///
    /// Panics if the value has been destroyed for good.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.try_with(f).expect("a green_local value is used after its destruction")
    }

    /// Lends the caller's own value to `f` as [`with`](Self::with) does, with an error instead of the panic.
    ///
    /// # Switching
    ///
    /// Never by itself.
    ///
    /// # Errors
    ///
    /// Fails if the value has been destroyed for good.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = self.value()?;
        Ok(f(value.downcast_ref().expect("a key has values of one type")))
    }

    /// A count on the caller's own value.
    fn value(&'static self) -> Result<Rc<dyn Any>, AccessError> {
        let key = std::ptr::from_ref(self).addr();
        if let Some(known) = of_caller(|locals| locals.get(key))? {
            return Ok(known);
        }
        if of_caller(Locals::is_closed)? {
            return Err(AccessError);
        }
        // User code, which may park or use this very key: nothing is borrowed, and the value that came first stays.
        let made: Rc<dyn Any> = Rc::new((self.make)());
        of_caller(|locals| {
            if let Some(known) = locals.get(key) {
                return Ok(known);
            }
            // It may be that the end came while it was made, by unwinding what made it.
            if locals.is_closed() {
                return Err(AccessError);
            }
            locals.insert(key, made.clone());
            Ok(made.clone())
        })?
    }
}

/// The list of values of whoever calls. One that has ended, whose end wakers are told of, has none: nobody would destroy it
/// while its green thread can still run code.
fn of_caller<R>(look: impl FnOnce(&Locals) -> R) -> Result<R, AccessError> {
    match hub::try_current().map(|hub| hub.running()).filter(|task| !task.is_root()) {
        Some(task) if task.state.get() == State::Ended => Err(AccessError),
        Some(task) => Ok(look(&task.rare().locals)),
        None => ROOT.try_with(look).map_err(|_| AccessError),
    }
}

/// Destroys all values of a green thread at its end. What a destructor throws goes no further; what it makes anew is
/// destroyed as well, within reason.
pub(crate) fn destroy(locals: &Locals) {
    for round in 0..=ROUNDS {
        if round == ROUNDS {
            locals.close();
        }
        let values = locals.take();
        if values.is_empty() {
            break;
        }
        // The last that was made goes first.
        values.into_iter().rev().for_each(|value| contain(|| drop(value)));
    }
    locals.close();
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the caller's own value.
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// Copies the caller's own value.
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the caller's own value and leaves the default.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Sets the caller's own value and returns the earlier one.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Borrows the caller's own value for `f`.
    ///
    /// # Panics
    ///
    /// Panics if it is borrowed mutably: a borrow may be held across a park.
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Borrows the caller's own value mutably for `f`.
    ///
    /// # Panics
    ///
    /// Panics if it is borrowed: a borrow may be held across a park.
    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the caller's own value.
    ///
    /// # Panics
    ///
    /// Panics if it is borrowed.
    pub fn set(&'static self, value: T) {
        self.with(|cell| *cell.borrow_mut() = value);
    }

    /// Takes the caller's own value and leaves the default.
    ///
    /// # Panics
    ///
    /// Panics if it is borrowed.
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Sets the caller's own value and gives back the earlier one.
    ///
    /// # Panics
    ///
    /// Panics if it is borrowed.
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}
