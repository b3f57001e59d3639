//! Greenlets: coroutines that switch to one another by name, as in Python's `greenlet`.
//!
//! ```
//! use greenroom::greenlet::Greenlet;
//!
//! let main = Greenlet::<u32>::current();
//! let adder = Greenlet::new(move |first| {
//!     let second = main.switch(first + 1); // back to main, with a value
//!     first + second // and, in the end, to the parent: main too
//! });
//! assert_eq!(adder.switch(10), 11);
//! assert_eq!(adder.switch(100), 110);
//! assert!(adder.is_dead());
//! ```
//!
//! They need no hub, and a switch between them hides no waiting: nobody else runs meanwhile. Green threads
//! ([`spawn`](crate::spawn)) are what programs are made of; greenlets are for control flow inside one of them.
//!
//! # Families
//!
//! Greenlets that pass values of one type `T` to one another are a family. Its *root* stands for the code in which the
//! family was founded: where [`Greenlet::<T>::current`](Greenlet::current) or [`new`](Greenlet::new) was first called
//! outside of all greenlets of that type. A new greenlet joins the family of whoever first switches to it.
//!
//! A family runs only where the frames of its root stand: not in another green thread, and not outside of the generator
//! or greenlet in which it was founded. When those frames end, what is suspended of the family is unwound.
//!
//! A greenlet that parks parks the green thread in which it runs, with all that stands on its stack.
//!
//! # Traps
//!
//! * A bare [`sleep`](crate::sleep) or read inside a greenlet does not switch to its sisters: only green threads run
//!   meanwhile.
//! * A greenlet that owns a handle of itself is not unwound when all others let go of it, but only with its family.
//! * A family belongs to the frames in which it was founded: to switch to it from another green thread panics.
//! * A `Greenlet` in a thread-local is not unwound safely at the end of the OS thread: see the crate's known holes.

#[expect(unsafe_code, reason = "enters coroutines")]
pub(crate) mod carrier;
#[expect(unsafe_code, reason = "follows pointers to what is entered")]
pub(crate) mod chain;
#[expect(unsafe_code, reason = "enters coroutines")]
mod family;
mod lineage;
#[expect(unsafe_code, reason = "suspends coroutines")]
mod member;
#[expect(unsafe_code, reason = "suspends coroutines; knows that who runs is there")]
mod passing;
mod roots;
#[expect(unsafe_code, reason = "is the door to the coroutines")]
pub(crate) mod switch;
pub(crate) mod unwind;

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::Location;
use std::rc::Rc;

use self::carrier::Carrier;
use self::member::{Member, Message, State};
use crate::stack::{self, Kind};

/// A symmetric coroutine that takes values of type `T` and gives values of type `T`; Python's `greenlet`.
///
/// Clones are handles of the same one. Dropping the last handle of a suspended greenlet unwinds it where it stands: its
/// destructors run, and what they throw is dropped. A greenlet that cannot be unwound, because it catches every panic and switches again or because a
/// destructor switches meanwhile, is left as it stands, with a line on standard error. With `panic = "abort"` it is
/// always left.
///
/// # Examples
///
/// ```
/// use greenroom::greenlet::Greenlet;
///
/// let main = Greenlet::<u32>::current();
/// let doubler = Greenlet::new(move |mut n| loop {
///     n = main.switch(n * 2);
/// });
/// assert_eq!((doubler.switch(1), doubler.switch(2)), (2, 4));
/// ```
pub struct Greenlet<T: 'static = ()>(Rc<Member<T>>);

impl<T: 'static> Greenlet<T> {
    /// Makes a greenlet that will run `f`, with a stack of 256 KiB; its parent is the current greenlet.
    ///
    /// The first value that is switched to it is `f`'s argument; what `f` returns comes out of the parent's pending
    /// [`switch`](Self::switch).
    ///
    /// # Panics
    ///
    /// Panics if no stack can be promised; the text names the limit that was reached.
    #[track_caller]
    pub fn new(f: impl FnOnce(T) -> T + 'static) -> Greenlet<T> {
        match Greenlet::create(stack::DEFAULT_SIZE, Box::new(f), Location::caller()) {
            Ok(greenlet) => greenlet,
            Err(error) => panic!("no stack for a greenlet: {error}"),
        }
    }

    /// Makes a greenlet as [`new`](Self::new) does, with a stack of at least `bytes` bytes.
    ///
    /// # Errors
    ///
    /// If no such stack can be promised; the text names the limit that was reached.
    #[track_caller]
    pub fn with_stack_size(bytes: usize, f: impl FnOnce(T) -> T + 'static) -> io::Result<Greenlet<T>> {
        Greenlet::create(bytes, Box::new(f), Location::caller())
    }

    fn create(
        bytes: usize,
        body: Box<dyn FnOnce(T) -> T>,
        site: &'static Location<'static>,
    ) -> io::Result<Greenlet<T>> {
        let carrier = Carrier::new(Kind::Greenlet, site, bytes)?;
        Ok(Greenlet(Member::new(carrier, body, &Greenlet::current_at(site))))
    }

    /// Returns the greenlet in whose frames this is called; `greenlet.getcurrent()`.
    ///
    /// Outside of all greenlets of this type it is a root, which stands for the code that is running.
    #[track_caller]
    pub fn current() -> Greenlet<T> {
        Greenlet::current_at(Location::caller())
    }

    fn current_at(site: &'static Location<'static>) -> Greenlet<T> {
        passing::nearest().unwrap_or_else(|| {
            let root = Member::new_root(site);
            chain::keep_here(root.clone());
            Greenlet(root)
        })
    }

    /// Hands `value` to this greenlet and runs it, until somebody switches back here; returns what they hand over.
    ///
    /// A greenlet that never ran starts, in the family of the caller. A dead one passes the value on to its nearest
    /// living ancestor. The current one takes it at once.
    ///
    /// # Switching
    ///
    /// Always, to that greenlet; never to another green thread. A destructor that switches while a panic unwinds its
    /// greenlet lets the others run with `std::thread::panicking()` true; avoid it.
    ///
    /// # Panics
    ///
    /// What a child panics with comes out of its parent's pending `switch`, and what is [thrown](Self::throw) at a
    /// greenlet out of its own. Panics as well, without switching, if this greenlet runs in a family that is not rooted in
    /// the running frames, if no stack can be had for one that starts, and where nothing may switch (inside
    /// [`on_hub_stack`](crate::thread::on_hub_stack), wakers and [`on_panic`](crate::runtime::Builder::on_panic)).
    ///
    /// # Cancellation
    ///
    /// When the greenlet that called it is dropped or killed meanwhile, `switch` unwinds it, silently, and so does each
    /// further one.
    #[inline(always)]
    #[track_caller]
    pub fn switch(&self, value: T) -> T {
        chain::check_may_switch("Greenlet::switch");
        passing::switch(&self.0, value)
    }

    /// Raises `payload` in this greenlet, at its pending switch, and returns what is next handed back here; Python's
    /// `throw`.
    ///
    /// One that never ran dies without running, and the payload goes on to its parent. A dead one passes it on to its
    /// nearest living ancestor. The current one raises it at once.
    ///
    /// # Switching
    ///
    /// Always, as [`switch`](Self::switch).
    ///
    /// # Panics
    ///
    /// As [`switch`](Self::switch); so `payload` comes back from here if nothing on the way catches it.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::greenlet::Greenlet;
    /// use std::panic::catch_unwind;
    ///
    /// let child = Greenlet::new(|()| match catch_unwind(|| Greenlet::<()>::current().parent().unwrap().switch(())) {
    ///     Ok(()) => panic!("nothing was thrown"),
    ///     Err(payload) => assert_eq!(payload.downcast_ref(), Some(&"stop")),
    /// });
    /// child.switch(());
    /// child.throw(Box::new("stop"));
    /// assert!(child.is_dead());
    /// ```
    #[track_caller]
    pub fn throw(&self, payload: Box<dyn Any + Send>) -> T {
        chain::check_may_switch("Greenlet::throw");
        passing::send(self.clone(), Message::Panic(payload))
    }

    /// Unwinds this greenlet, silently, and comes back when it is dead; Python throws `GreenletExit` for this.
    ///
    /// Its parent learns nothing of it. If its code catches the unwinding, it is unwound again at each further switch.
    /// What its destructors throw is dropped. One that never ran is dropped without running. A greenlet may kill itself:
    /// it unwinds at once, and its parent's switch, which gets no value, panics and says so; one that catches its own
    /// unwinding lives on.
    ///
    /// # Switching
    ///
    /// May, when it is suspended: it runs until it is unwound.
    ///
    /// # Panics
    ///
    /// Panics if it is a root, and where [`switch`](Self::switch) would.
    ///
    /// # Examples
    ///
    /// ```
    /// use greenroom::greenlet::Greenlet;
    ///
    /// let child = Greenlet::new(|()| Greenlet::<()>::current().parent().unwrap().switch(()));
    /// child.switch(());
    /// child.kill();
    /// assert!(child.is_dead());
    /// ```
    #[track_caller]
    pub fn kill(&self) {
        match self.0.state() {
            State::Dead | State::Dying => {}
            State::New => self.0.die_unstarted(),
            State::Root => panic!("a root cannot be killed: it stands for code that is no greenlet"),
            State::Running => {
                passing::check_stands_here(&self.0);
                passing::keep_dying_if_dying::<T>();
                self.0.unwind_oneself();
            }
            State::Suspended => {
                chain::check_may_switch("Greenlet::kill");
                passing::check_stands_here(&self.0);
                self.0.unwind();
            }
        }
    }

    /// Returns who gets what this greenlet returns or panics with; none for a root.
    ///
    /// When a greenlet dies, its children become those of its own parent.
    pub fn parent(&self) -> Option<Greenlet<T>> {
        self.0.lineage.living_parent()
    }

    /// Makes `parent` the parent of this greenlet.
    ///
    /// # Panics
    ///
    /// Panics if this greenlet is a root, or `parent` descends from it.
    #[track_caller]
    pub fn set_parent(&self, parent: &Greenlet<T>) {
        assert!(self.0.state() != State::Root, "a root has no parent");
        assert!(!parent.0.lineage.descends_from(&self.0.lineage), "cyclic parents of greenlets");
        self.0.lineage.set_parent(&parent.0.lineage);
    }

    /// Tells whether it has begun to run, even if it is dead by now.
    pub fn is_started(&self) -> bool {
        self.0.family.get().is_some()
    }

    /// Tells whether its function has returned or was unwound, or never will run.
    ///
    /// A root dies with the frames it stands for.
    pub fn is_dead(&self) -> bool {
        self.0.is_dead()
    }

    /// A handle on what was found in some other way.
    fn of(member: Rc<Member<T>>) -> Greenlet<T> {
        Greenlet(member)
    }

    fn member(&self) -> &Rc<Member<T>> {
        &self.0
    }

    fn into_member(self) -> Rc<Member<T>> {
        self.0.clone()
    }
}

impl<T> Clone for Greenlet<T> {
    fn clone(&self) -> Greenlet<T> {
        Greenlet(self.0.clone())
    }
}

impl<T> Drop for Greenlet<T> {
    #[inline]
    fn drop(&mut self) {
        if Rc::strong_count(&self.0) == 1 && self.0.state() == State::Suspended {
            // The handle is still there meanwhile, for whoever asks for the current greenlet.
            self.0.unwind();
        }
    }
}

impl<T> fmt::Debug for Greenlet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greenlet")
            .field("state", &self.0.state())
            .field("created_at", &format_args!("{}", self.0.site))
            .finish()
    }
}
