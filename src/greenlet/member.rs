//! The record of one greenlet: its state, and how it begins and ends.

use std::cell::{Cell, OnceCell};
use std::io;
use std::panic::{self, Location};
use std::rc::{Rc, Weak};
use std::thread;

use crate::greenlet::Greenlet;
use crate::greenlet::carrier::Carrier;
use crate::greenlet::chain::{self, Link};
use crate::greenlet::family::Family;
use crate::greenlet::lineage::Lineage;
use crate::greenlet::roots::Root;
use crate::greenlet::switch::{self, Step};
use crate::greenlet::unwind::{self, Payload, contain};

/// The words that a suspended greenlet is resumed with: look into the family's mail, or unwind.
pub(super) const MAIL: usize = 0;
pub(super) const UNWIND: usize = 1;

/// Where a greenlet is in its life.
///
/// ```text
///   New ──▶ Suspended ◀──▶ Running ──▶ Dead          Root ──▶ Dead
///                │                       ▲
///                └──────▶ Dying ─────────┘
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Nobody has switched to it.
    New,
    /// It waits in a switch, or is about to run for the first time.
    Suspended,
    /// Its family's trampoline has entered it and waits for it to come back.
    Running,
    /// It was suspended, and is being unwound by whoever wanted it no more.
    Dying,
    Dead,
    /// It is no coroutine but the frames in which its family is rooted.
    Root,
}

pub(super) struct Member<T: 'static> {
    /// Never `Running`: which one runs is known to its family, and two stores a switch would cost a quarter of it.
    stored: Cell<State>,
    /// From its first switch on.
    pub(super) family: OnceCell<Rc<Family<T>>>,
    pub(super) lineage: Rc<Lineage<T>>,
    /// Where it was created.
    pub(super) site: &'static Location<'static>,
    /// None for a root.
    carrier: Option<Carrier>,
    /// Until it begins.
    body: Cell<Option<Body<T>>>,
    /// How often it has switched instead of ending. Has meaning while it is dying.
    rounds: Cell<u32>,
}

type Body<T> = Box<dyn FnOnce(T) -> T>;

/// What goes from one greenlet to another.
pub(super) enum Message<T> {
    Value(T),
    Panic(Payload),
}

impl<T> Message<T> {
    /// What it means to whoever waits for it.
    #[inline(always)]
    pub(super) fn open(self) -> T {
        match self {
            Message::Value(value) => value,
            Message::Panic(payload) => panic::resume_unwind(payload),
        }
    }
}

impl<T: 'static> Member<T> {
    pub(super) fn new(carrier: Carrier, body: Body<T>, parent: &Greenlet<T>) -> Rc<Member<T>> {
        let site = carrier.site();
        Rc::new_cyclic(|own| Member {
            stored: Cell::new(State::New),
            family: OnceCell::new(),
            lineage: Lineage::new(own.clone(), Some(parent)),
            site,
            carrier: Some(carrier),
            body: Cell::new(Some(body)),
            rounds: Cell::new(0),
        })
    }

    /// A root of the innermost place of the running chain, with a family of its own.
    pub(super) fn new_root(site: &'static Location<'static>) -> Rc<Member<T>> {
        Rc::new_cyclic(|own: &Weak<Member<T>>| Member {
            stored: Cell::new(State::Root),
            family: OnceCell::from(Family::new(site)),
            lineage: Lineage::new(own.clone(), None),
            site,
            carrier: None,
            body: Cell::new(None),
            rounds: Cell::new(0),
        })
    }

    #[inline(always)]
    pub(super) fn carrier(&self) -> &Carrier {
        self.carrier.as_ref().expect("a root is not carried")
    }

    #[inline(always)]
    pub(super) fn link(&self) -> &Link {
        self.carrier().link()
    }

    #[inline]
    pub(super) fn state(&self) -> State {
        match self.stored.get() {
            State::Suspended if self.family.get().is_some_and(|family| family.runs(self)) => State::Running,
            state => state,
        }
    }

    /// Whether it is a root, or has begun and is neither dying nor dead.
    #[inline(always)]
    pub(super) fn is_in_its_family(&self) -> bool {
        matches!(self.stored.get(), State::Suspended | State::Root)
    }

    #[inline(always)]
    pub(super) fn is_root(&self) -> bool {
        self.carrier.is_none()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.stored.get() == State::Dead
    }

    /// Its body is over.
    pub(super) fn die(&self) {
        self.stored.set(State::Dead);
    }

    /// Makes it a member of `family` that waits to be entered for the first time.
    ///
    /// # Errors
    ///
    /// If its stack cannot be had; then it is dead.
    pub(super) fn begin(self: &Rc<Self>, family: &Rc<Family<T>>) -> io::Result<()> {
        let own = Rc::as_ptr(self);
        // SAFETY: who enters it holds it until it is back, and who gives it up while something stands on its stack forgets
        // it (`leave_standing`), so it is there while its body runs. A new one has never begun.
        let begun = unsafe { self.carrier().begin(move |_, word| (*own).run(word)) };
        if let Err(error) = begun {
            self.die_unstarted();
            return Err(error);
        }
        self.link().be_greenlet_of::<T>(own.cast());
        assert!(self.family.set(family.clone()).is_ok(), "a greenlet that is new has no family");
        family.join(self);
        self.stored.set(State::Suspended);
        Ok(())
    }

    /// Its life, on its own stack, from the first entry to the end. It does not unwind.
    fn run(&self, word: usize) {
        let family = self.family.get().expect("it has begun");
        let body = self.body.take().expect("it begins once");
        if word == UNWIND {
            contain(|| drop(body));
            return;
        }
        let first = family.receive();
        let result = self.carrier().run(|| body(first.open()));
        if self.stored.get() == State::Dying {
            contain(|| drop(result));
            return;
        }
        family.post(match result {
            Ok(value) => Message::Value(value),
            Err(payload) if unwind::is_for(&payload, self.link()) => Message::Panic(Box::new(format!(
                "the greenlet created at {} killed itself, so there is no value for its parent's switch",
                self.site
            ))),
            Err(payload) => Message::Panic(payload),
        });
    }

    /// Ends one that never began, without running it.
    pub(super) fn die_unstarted(&self) {
        self.die();
        contain(|| drop(self.body.take()));
        self.carrier().give_up();
    }

    /// Unwinds it where it is suspended, on top of the running code. It does not unwind the caller.
    #[cold]
    pub(super) fn unwind(self: &Rc<Self>) {
        if cfg!(panic = "abort") || chain::os_thread_ends() {
            return self.leave_standing();
        }
        if !self.carrier().is_stranded() {
            self.stored.set(State::Dying);
            // SAFETY: it was suspended, so it has begun, has not ended and is not entered.
            if let Step::Ended = unsafe { self.carrier().enter(UNWIND) } {
                return self.die();
            }
        }
        self.carrier().say_it_is_left();
        self.leave_standing();
    }

    /// Something may hold references into its stack, and its stack points to it: it stays, for ever (S8).
    fn leave_standing(self: &Rc<Self>) {
        self.die();
        std::mem::forget(self.clone());
    }

    /// It is the greenlet in whose frames the running code stands, and it is dying: it has caught the panic that unwinds
    /// it, or a destructor on the way tries to switch.
    #[cold]
    pub(super) fn keep_dying(&self) -> ! {
        self.rounds.set(self.rounds.get() + 1);
        // To raise in a destructor would end the process. Whoever unwinds it may be unwinding as well; then nobody can tell
        // whether this is one.
        if !thread::panicking() && self.rounds.get() < chain::ROUNDS {
            unwind::raise(self.link());
        }
        loop {
            // SAFETY: the running code stands on its stack. It is left (`unwind`), so this does not come back.
            unsafe { switch::suspend(self.link().yielder(), 0) };
        }
    }

    /// Unwinds from here down to its base. The running code stands in its frames.
    pub(super) fn unwind_oneself(&self) -> ! {
        unwind::raise(self.link())
    }
}

impl<T: 'static> Root for Member<T> {
    fn has_control(&self) -> bool {
        self.family.get().is_some_and(|family| family.running().is_none())
    }

    fn end(&self) {
        self.die();
        if let Some(family) = self.family.get() {
            family.end();
        }
    }

    fn abandon(&self) {
        self.die();
        if let Some(family) = self.family.get() {
            family.lose_its_place();
        }
    }
}

impl<T> Drop for Member<T> {
    fn drop(&mut self) {
        contain(|| drop(self.body.take()));
    }
}
