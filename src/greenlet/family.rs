//! A family: the greenlets that pass values to one another, through one trampoline.
//!
//! ```text
//!   root: a.switch(1) ─▶ trampoline ──enter──▶ a: b.switch(2)
//!                          ▲   │ ◀──suspend(b)──┘
//!                          │   └───enter──▶ b: root.switch(3)
//!   root: ◀── 3 ───────────┴── ◀──suspend(root)─┘
//! ```
//!
//! The trampoline is the frame of the root's own pending switch. It enters one member after the other, whichever the last
//! one named, so members are never stacked on one another; it returns when the root is named. A family that is
//! rooted in a place (a green thread, a generator, a greenlet of another type) can run only where that place stands.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::ptr;
use std::rc::{Rc, Weak};

use crate::greenlet::chain::{self, Link};
use crate::greenlet::member::{MAIL, Member, Message, State};
use crate::greenlet::roots::Spot;
use crate::greenlet::switch::Step;
use crate::greenlet::unwind::contain;

pub(super) struct Family<T: 'static> {
    spot: Spot,
    /// Where its root was made.
    pub(super) site: &'static Location<'static>,
    /// The frames of its root are over.
    ended: Cell<bool>,
    /// The member that has control, which the trampoline holds; null while the root has it.
    running: Cell<*const Member<T>>,
    /// The link of `running`; null with it. It stands on the running chain, unless the whole trampoline was left.
    running_link: Cell<*const Link>,
    /// What the next one to run is to receive. Empty but for the moment between two of them.
    mail: Cell<Option<Message<T>>>,
    /// Those that have begun, until they are seen to be dead.
    members: RefCell<Vec<Weak<Member<T>>>>,
}

impl<T> Family<T> {
    /// A family that is rooted in the innermost place of the running chain.
    pub(super) fn new(site: &'static Location<'static>) -> Rc<Family<T>> {
        Rc::new(Family {
            spot: Spot::innermost(),
            site,
            ended: Cell::new(false),
            running: Cell::new(ptr::null()),
            running_link: Cell::new(ptr::null()),
            mail: Cell::new(None),
            members: RefCell::default(),
        })
    }

    #[inline(always)]
    pub(super) fn post(&self, message: Message<T>) {
        let before = self.mail.replace(Some(message));
        debug_assert!(before.is_none(), "mail is for the next one to run, and was read by the last");
        // Empty, as the compiler cannot know: it would look for something to drop, at each switch.
        std::mem::forget(before);
    }

    #[inline(always)]
    pub(super) fn receive(&self) -> Message<T> {
        self.mail.take().expect("who is resumed has mail")
    }

    /// The link of the member that has control, if the running code stands in its frames and nothing is entered from
    /// them: the common case of a switch.
    #[inline(always)]
    pub(super) fn innermost_member(&self) -> Option<*const Link> {
        let link = self.running_link.get();
        (!link.is_null() && chain::is_innermost(link)).then_some(link)
    }

    /// Whether its root has control, is a green thread or the root of one's OS thread itself, and is what runs here.
    #[inline(always)]
    pub(super) fn is_rooted_right_here(&self) -> bool {
        self.running.get().is_null() && !self.ended.get() && self.spot.is_bare()
    }

    /// The member that has control.
    pub(super) fn running(&self) -> Option<&Member<T>> {
        // SAFETY: the trampoline holds it until it is back, and clears this then.
        unsafe { self.running.get().as_ref() }
    }

    /// Whether that one has control.
    #[inline(always)]
    pub(super) fn runs(&self, member: &Member<T>) -> bool {
        ptr::eq(self.running.get(), member)
    }

    /// Whether the running code stands in the frames of whichever has control, root or member.
    pub(super) fn stands_here(&self) -> bool {
        match self.running() {
            Some(member) => chain::stands(member.link().id()),
            None => !self.ended.get() && self.spot.stands(),
        }
    }

    /// Counts one that begins.
    pub(super) fn join(&self, member: &Rc<Member<T>>) {
        let mut members = self.members.borrow_mut();
        if members.len() == members.capacity() {
            // Half of the capacity, at least, is filled before the next look.
            members.retain(|member| member.upgrade().is_some_and(|member| !member.is_dead()));
            let room = members.len() + 4;
            members.reserve(room);
        }
        members.push(Rc::downgrade(member));
    }

    /// The trampoline: enters `member`, which has mail, and whoever is named next, until the root is.
    pub(super) fn run_from(self: &Rc<Self>, mut member: Rc<Member<T>>) -> T {
        loop {
            let next = self.enter(&member);
            let next = if Rc::strong_count(&member) == 1 { self.let_go(member, next) } else { next };
            match next {
                Some(next) => member = next,
                None => {
                    self.nobody_runs();
                    return self.receive().open();
                }
            }
        }
    }

    /// Gives control to a member until it names the next; none means the root.
    #[inline(always)]
    fn enter(self: &Rc<Self>, member: &Rc<Member<T>>) -> Option<Rc<Member<T>>> {
        let carrier = member.carrier();
        self.running.set(Rc::as_ptr(member));
        self.running_link.set(carrier.link());
        // SAFETY: it was suspended, so it has begun, has not ended and is not entered.
        match unsafe { carrier.enter(MAIL) } {
            Step::Suspended(word) => {
                // SAFETY: the word is a counted pointer, and this takes over the count (`passing::leave`).
                let next = unsafe { Rc::from_raw(word as *const Member<T>) };
                (!next.is_root()).then_some(next)
            }
            Step::Ended => {
                member.die();
                self.nobody_runs();
                self.heir_of(member)
            }
        }
    }

    #[inline(always)]
    fn nobody_runs(&self) {
        self.running.set(ptr::null());
        self.running_link.set(ptr::null());
    }

    /// Drops the last handle of the member that just came back. That may unwind it, which runs code of the user's; the
    /// mail that is on its way to `next` is kept out of its reach.
    #[cold]
    fn let_go(self: &Rc<Self>, member: Rc<Member<T>>, next: Option<Rc<Member<T>>>) -> Option<Rc<Member<T>>> {
        let mail = self.mail.take();
        self.nobody_runs();
        if member.state() == State::Suspended {
            member.unwind();
        }
        contain(|| drop(member));
        self.mail.set(mail);
        match next {
            Some(next) if next.state() != State::Suspended => self.heir_of(&next),
            next => next,
        }
    }

    /// Who receives what was meant for one that is no more: its nearest living ancestor in this family, else the root.
    #[cold]
    fn heir_of(self: &Rc<Self>, dead: &Rc<Member<T>>) -> Option<Rc<Member<T>>> {
        let mut message = self.receive();
        let mut ancestor = dead.lineage.living_parent();
        while let Some(heir) = ancestor {
            let member = heir.member();
            let of_this_family = member.family.get().is_some_and(|family| Rc::ptr_eq(family, self));
            match (member.state(), message) {
                (State::New, Message::Value(value)) => match member.begin(self) {
                    Ok(()) => {
                        self.post(Message::Value(value));
                        return Some(member.clone());
                    }
                    Err(error) => {
                        message = Message::Panic(Box::new(format!("no stack for a greenlet: {error}")))
                    }
                },
                (State::New, panic) => {
                    message = panic;
                    member.die_unstarted();
                }
                (State::Suspended, letter) if of_this_family => {
                    self.post(letter);
                    return Some(member.clone());
                }
                (State::Root, letter) if of_this_family => {
                    message = letter;
                    break;
                }
                (_, letter) => message = letter,
            }
            ancestor = member.lineage.living_parent();
        }
        self.post(message);
        None
    }

    /// From now on it can run nowhere.
    pub(super) fn lose_its_place(&self) {
        self.ended.set(true);
    }

    /// Unwinds its suspended members: the frames of its root are over. Unwinding one may begin another; not for ever.
    pub(super) fn end(&self) {
        self.lose_its_place();
        for _ in 0..chain::ROUNDS {
            let members = self.members.take();
            if members.is_empty() {
                return;
            }
            for member in members.iter().filter_map(Weak::upgrade) {
                if member.state() == State::Suspended {
                    member.unwind();
                }
            }
        }
    }
}
