//! Generators: functions that give a value in the middle, and go on from there.
//!
//! ```
//! use greenroom::generator::Generator;
//!
//! let squares = Generator::new(|y, ()| {
//!     for n in 1.. {
//!         y.yield_(n * n);
//!     }
//! });
//! assert_eq!(squares.take(4).collect::<Vec<_>>(), [1, 4, 9, 16]);
//! ```
//!
//! These are Python's generators, with `yield` as an expression and `send`. A generator has a stack of its own, so its
//! body may yield from any depth of calls, and may park: then the green thread that resumed it parks with it. It needs no
//! hub.
//!
//! # Traps
//!
//! * A body that is dropped half-way unwinds at its `yield_`; what stands after that never runs, but destructors do.
//! * A [`Yielder`] works in its own body only, not in a green thread or generator that the body makes.
//! * Each generator that has begun and not ended holds a stack of 256 KiB, of which it pays for the pages it touched.
//! * A `Generator` in a thread-local is not unwound safely at the end of the OS thread: see the crate's known holes.

use std::cell::Cell;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{self, Location};
use std::ptr::NonNull;
use std::thread;

use crate::greenlet::carrier::Carrier;
use crate::greenlet::chain::{self, Link};
use crate::greenlet::switch::{self, Step};
use crate::greenlet::unwind::{self, contain};
use crate::stack::{self, Kind};

/// The word that tells a suspended body to unwind. Any other is the address of the value that was sent.
const UNWIND: usize = 0;

/// A function that runs on a stack of its own, hands out values of type `Y`, takes values of type `S` for them, and
/// returns an `R`.
///
/// It can be handed to other green threads of its OS thread. Dropping it unwinds its body where it stands: what the
/// body's destructors throw is dropped. A body that cannot be unwound, because it catches every panic and yields again
/// or because it yields in a destructor meanwhile, is left as it stands, with a line on standard error.
/// With `panic = "abort"` the body of a suspended generator is always left.
pub struct Generator<Y, S = (), R = ()> {
    core: NonNull<Core<Y, S, R>>,
}

/// What [`Generator::send`] comes back with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resumed<Y, R> {
    /// The body yielded this value and waits for the next one.
    Yielded(Y),
    /// The body returned this value; the generator is finished.
    Returned(R),
}

type Body<Y, S, R> = Box<dyn FnOnce(&Yielder<Y, S>, S) -> R>;

/// What keeps its address while the generator moves.
struct Core<Y, S, R> {
    state: Cell<State>,
    carrier: Carrier,
    /// Until the first `send`.
    body: Cell<Option<Body<Y, S, R>>>,
    /// From the end of the body until `send`, or the drop, takes it.
    result: Cell<Option<thread::Result<R>>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    New,
    Suspended,
    Finished,
}

impl<Y: 'static, S: 'static, R: 'static> Generator<Y, S, R> {
    /// Makes a generator; the first [`send`](Self::send) starts it, with the value sent as `f`'s second argument.
    ///
    /// # Panics
    ///
    /// Panics if no stack can be promised; the text names the limit that was reached.
    #[track_caller]
    pub fn new(f: impl FnOnce(&Yielder<Y, S>, S) -> R + 'static) -> Generator<Y, S, R> {
        match Carrier::new(Kind::Generator, Location::caller(), stack::DEFAULT_SIZE) {
            Ok(carrier) => {
                let (state, result) = (Cell::new(State::New), Cell::new(None));
                let core = Core { state, carrier, body: Cell::new(Some(Box::new(f))), result };
                Generator { core: NonNull::from(Box::leak(Box::new(core))) }
            }
            Err(error) => panic!("no stack for a generator: {error}"),
        }
    }

    /// Runs the body until it yields or returns; `value` is what its pending [`yield_`](Yielder::yield_) returns.
    ///
    /// # Switching
    ///
    /// Never parks by itself. If the body parks, the green thread that called `send` parks with it.
    ///
    /// # Panics
    ///
    /// What the body panics with comes out of `send`, and the generator is finished. Panics if it is finished already,
    /// if no stack can be had for its first run, and where nothing may switch (inside
    /// [`on_hub_stack`](crate::thread::on_hub_stack), wakers and [`on_panic`](crate::runtime::Builder::on_panic)).
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::generator::{Generator, Resumed};
    ///
    /// let mut sum = Generator::new(|y, first: u32| first + y.yield_("one more"));
    /// assert_eq!(sum.send(1), Resumed::Yielded("one more"));
    /// assert_eq!(sum.send(2), Resumed::Returned(3));
    /// ```
    #[inline]
    #[track_caller]
    pub fn send(&mut self, value: S) -> Resumed<Y, R> {
        let core = self.core();
        chain::check_may_switch("Generator::send");
        if core.state.get() != State::Suspended {
            core.begin();
        }
        let value = ManuallyDrop::new(value);
        // SAFETY: it has begun, is not finished, and `&mut self` keeps others from entering it. The body moves the value
        // out of this frame before it does anything else.
        match unsafe { core.carrier.enter(&raw const value as usize) } {
            // SAFETY: it is the address of the value, in the frame of the `yield_` that waits; this moves it out.
            Step::Suspended(word) => Resumed::Yielded(unsafe { (word as *const Y).read() }),
            Step::Ended => core.returned(),
        }
    }
}

impl<Y, S, R> Generator<Y, S, R> {
    /// Tells whether the body has returned or panicked.
    pub fn is_finished(&self) -> bool {
        self.core().state.get() == State::Finished
    }

    #[inline(always)]
    fn core(&self) -> &Core<Y, S, R> {
        // SAFETY: it is there until the generator is dropped; its fields are cells, so the body, which uses it too,
        // needs no more than a shared reference (S7).
        unsafe { self.core.as_ref() }
    }
}

impl<Y: 'static, S: 'static, R: 'static> Core<Y, S, R> {
    /// Readies the first entry.
    #[cold]
    #[track_caller]
    fn begin(&self) {
        assert!(self.state.get() == State::New, "send on a finished generator");
        let core = &raw const *self;
        let body = move |raw: &switch::Yielder, word: usize| {
            // SAFETY: the core stays until the body has ended (`Generator::drop`).
            let core = unsafe { &*core };
            let Some(body) = core.body.take() else { return };
            let yielder = Yielder { link: core.carrier.link(), raw, values: PhantomData };
            // SAFETY: the first word is the address of the value in the frame of `send`, which waits; this moves it out.
            let first = unsafe { (word as *const S).read() };
            core.result.set(Some(core.carrier.run(|| body(&yielder, first))));
        };
        // SAFETY: the core does not move, and goes only when the body has ended; a new one has never begun.
        if let Err(error) = unsafe { self.carrier.begin(body) } {
            panic!("no stack for a generator: {error}");
        }
        self.state.set(State::Suspended);
    }

    #[cold]
    fn returned(&self) -> Resumed<Y, R> {
        self.state.set(State::Finished);
        match self.result.take().expect("a body that has ended left its result") {
            Ok(value) => Resumed::Returned(value),
            Err(payload) => panic::resume_unwind(payload),
        }
    }
}

impl<Y, S, R> Core<Y, S, R> {
    /// Unwinds a suspended body. False if it is left as it stands.
    fn unwind(&self) -> bool {
        if cfg!(panic = "abort") || chain::os_thread_ends() {
            return false;
        }
        let panicking = thread::panicking();
        for _ in 0..chain::ROUNDS {
            if self.carrier.is_stranded() {
                break;
            }
            // SAFETY: it is suspended, so it has begun, has not ended and is not entered.
            match unsafe { self.carrier.enter(UNWIND) } {
                Step::Ended => {
                    contain(|| drop(self.result.take()));
                    return true;
                }
                Step::Suspended(word) => {
                    // SAFETY: as in `send`.
                    contain(|| drop(unsafe { (word as *const Y).read() }));
                    if panicking {
                        // Nobody can tell whether it yields in a destructor now; to raise there ends the process.
                        break;
                    }
                }
            }
        }
        self.carrier.say_it_is_left();
        false
    }
}

impl<Y, S, R> Drop for Generator<Y, S, R> {
    fn drop(&mut self) {
        let core = self.core();
        if core.state.get() == State::Suspended && !core.unwind() {
            return;
        }
        contain(|| drop(core.body.take()));
        // SAFETY: `new` leaked it from a box; nothing runs in it any more, nor ever will.
        drop(unsafe { Box::from_raw(self.core.as_ptr()) });
    }
}

/// Yields what the body yields, until it returns.
impl<Y: 'static, R: 'static> Iterator for Generator<Y, (), R> {
    type Item = Y;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<Y> {
        if self.is_finished() {
            return None;
        }
        match self.send(()) {
            Resumed::Yielded(value) => Some(value),
            Resumed::Returned(_) => None,
        }
    }
}

impl<Y: 'static, R: 'static> FusedIterator for Generator<Y, (), R> {}

impl<Y, S, R> fmt::Debug for Generator<Y, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = self.core();
        f.debug_struct("Generator")
            .field("state", &core.state.get())
            .field("created_at", &format_args!("{}", core.carrier.site()))
            .finish()
    }
}

/// What the body of a [`Generator`] yields through.
pub struct Yielder<Y, S = ()> {
    link: *const Link,
    raw: *const switch::Yielder,
    values: PhantomData<fn(Y) -> S>,
}

impl<Y, S> Yielder<Y, S> {
    /// Hands `value` to whoever resumed the generator, and returns what is sent for it.
    ///
    /// # Switching
    ///
    /// Always, to the code that resumed the generator; never to another green thread. A destructor that yields while a
    /// panic unwinds the body lets the other code run with `std::thread::panicking()` true; avoid it.
    ///
    /// # Panics
    ///
    /// Panics if it is called from anywhere but the generator's own body: from a generator or greenlet that the body has
    /// entered, or from another green thread. It does so, too, where nothing may switch.
    ///
    /// # Cancellation
    ///
    /// If the generator is dropped meanwhile, `yield_` unwinds the body, silently, and so does each further one.
    #[inline]
    #[track_caller]
    pub fn yield_(&self, value: Y) -> S {
        chain::check_may_switch("Yielder::yield_");
        if !chain::is_innermost(self.link) {
            yields_from_elsewhere();
        }
        let value = ManuallyDrop::new(value);
        // SAFETY: the link is innermost, so this frame stands on the generator's own stack, and it has not ended. Who
        // resumed it moves the value out of this frame before anything else.
        let word = unsafe { switch::suspend(self.raw, &raw const value as usize) };
        if word == UNWIND {
            // SAFETY: the link lives in the core, which stays until the body has ended.
            unwind::raise(unsafe { &*self.link });
        }
        // SAFETY: it is the address of the value that was sent, in the frame of `send`; this moves it out.
        unsafe { (word as *const S).read() }
    }
}

#[cold]
#[track_caller]
fn yields_from_elsewhere() -> ! {
    panic!("yield_ must be called by the generator's own body, not by what the body has entered or spawned");
}

impl<Y, S> fmt::Debug for Yielder<Y, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}
