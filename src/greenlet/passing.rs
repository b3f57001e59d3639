//! Passing a message: from whoever runs to whoever is named, whatever state either is in.

use std::panic::Location;
use std::rc::Rc;

use crate::greenlet::Greenlet;
use crate::greenlet::chain::{self, Link, Nearest};
use crate::greenlet::family::Family;
use crate::greenlet::member::{Member, Message, State, UNWIND};
use crate::greenlet::{switch, unwind};

/// Hands `value` to `target`; returns what is handed back. Two common cases come first: a member of the same family
/// (itself even) or its root is named by the running member, on which nothing stands; or a member is named by its root,
/// on which nothing stands and which stands on no other greenlet.
#[inline(always)]
#[track_caller]
pub(super) fn switch<T: 'static>(target: &Rc<Member<T>>, value: T) -> T {
    if target.is_in_its_family()
        && let Some(family) = target.family.get()
    {
        if let Some(link) = family.innermost_member() {
            family.post(Message::Value(value));
            // SAFETY: that member has control, and is what runs here.
            return unsafe { leave(link, family, target.clone()) };
        }
        if !target.is_root() && family.is_rooted_right_here() {
            family.post(Message::Value(value));
            return family.run_from(target.clone());
        }
    }
    send(Greenlet::of(target.clone()), Message::Value(value))
}

/// Hands a message to `to`, or to whoever takes it in its place.
///
/// No handle stays in this frame while it waits: who is suspended must not keep alive who it switched to.
#[cold]
#[track_caller]
pub(super) fn send<T: 'static>(to: Greenlet<T>, message: Message<T>) -> T {
    keep_dying_if_dying::<T>();
    let site = Location::caller();
    let target = addressee(to, &message, site);
    if target.state() == State::New {
        let caller = Greenlet::current_at(site);
        let family = caller.member().family.get().expect("who is current has begun");
        if let Err(error) = target.begin(family) {
            panic!("no stack for a greenlet: {error}");
        }
    }
    check_stands_here(&target);
    let family = target.family.get().expect("it has begun").clone();
    match family.running() {
        Some(_) if family.runs(&target) => message.open(),
        Some(running) => {
            let link = &raw const *running.link();
            family.post(message);
            // SAFETY: that member has control, and the running code stands in its frames: it was just checked.
            unsafe { leave(link, &family, target) }
        }
        None if target.state() == State::Root => message.open(),
        None => {
            family.post(message);
            family.run_from(target)
        }
    }
}

/// Leaves the frames of the member of `family` that has control, with all that stands on them, to `target`, which has
/// mail; returns what is sent back.
///
/// # Safety
///
/// `link` is that member's, and the running code stands in its frames.
#[inline(always)]
unsafe fn leave<T: 'static>(link: *const Link, family: &Family<T>, target: Rc<Member<T>>) -> T {
    // SAFETY: the trampoline holds the member, so its link is there, and its coroutine has not ended (caller, S8).
    let word = unsafe { switch::suspend((*link).yielder(), Rc::into_raw(target) as usize) };
    if word == UNWIND {
        // SAFETY: who unwinds the member holds it until it is back.
        unwind::raise(unsafe { &*link });
    }
    family.receive().open()
}

/// Who takes a message to `to`: itself, or its nearest ancestor that can, or the current one.
fn addressee<T: 'static>(
    to: Greenlet<T>,
    message: &Message<T>,
    site: &'static Location<'static>,
) -> Rc<Member<T>> {
    let mut target = to;
    loop {
        match (target.member().state(), message) {
            (State::Dead | State::Dying, _) => {}
            (State::New, Message::Panic(_)) => target.member().die_unstarted(),
            _ => return target.into_member(),
        }
        target = target.parent().unwrap_or_else(|| Greenlet::current_at(site));
    }
}

/// The greenlet of values `T`, or the root of such greenlets, in whose frames the running code stands.
pub(super) fn nearest<T: 'static>() -> Option<Greenlet<T>> {
    match chain::nearest::<T, Member<T>>() {
        Nearest::Greenlet(record) => {
            let record: *const Member<T> = record.cast();
            // SAFETY: the link of a greenlet of values `T` names its record, which came from an `Rc`, and whoever
            // entered it holds it until it is back.
            let member = unsafe {
                Rc::increment_strong_count(record);
                Rc::from_raw(record)
            };
            Some(Greenlet::of(member))
        }
        Nearest::Root(root) => Some(Greenlet::of(root)),
        Nearest::Nothing => None,
    }
}

/// A greenlet that is being unwound goes on unwinding instead of switching.
pub(super) fn keep_dying_if_dying<T: 'static>() {
    if let Some(greenlet) = nearest::<T>()
        && greenlet.member().state() == State::Dying
    {
        greenlet.member().keep_dying();
    }
}

/// Panics if control cannot get from the running code to `member`.
#[track_caller]
pub(super) fn check_stands_here<T: 'static>(member: &Member<T>) {
    let family = member.family.get().expect("it has begun");
    if !family.stands_here() {
        refuse(member, family);
    }
}

#[cold]
#[track_caller]
fn refuse<T: 'static>(member: &Member<T>, family: &Family<T>) -> ! {
    let here = match nearest::<T>().as_ref().and_then(|greenlet| greenlet.member().family.get()) {
        Some(here) => format!("the family that runs here is rooted at {}", here.site),
        None => "no family of its type runs here".to_owned(),
    };
    panic!(
        "the greenlet created at {} runs in the family rooted at {}, whose frames do not stand here; {here}",
        member.site, family.site
    );
}
