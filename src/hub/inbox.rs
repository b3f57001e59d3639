//! The inbox: the wake-ups that other OS threads leave for one hub.
//!
//! Any thread may [`send`](Inbox::send). The other calls are the hub's, once a turn and around its sleep:
//!
//! ```text
//! loop {
//!     inbox.drain(|to| …);                     // each turn
//!     run what is ready;
//!     if inbox.fall_asleep() { wait in the kernel; inbox.wake_up(); }
//! }
//! ```
//!
//! An inbox needs no memory of its own. What lies in it is linked through the receivers' own [`Signal`]s, each at most
//! once however often it is sent, so it is bounded by the number of green threads.

use std::ptr;

use crate::shim::const_fn;
use crate::shim::sync::Arc;
use crate::shim::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// What is sent: "look again", for one receiver.
///
/// A signal carries no value. The value lies elsewhere (a token, a slot), written before the signal was sent, and the
/// receiver looks there; it may find nothing, since it may have looked already on its own.
pub(crate) struct Signal {
    /// The signal that was queued just before this one. Has meaning for whoever owns the list this one is in.
    next: AtomicPtr<Signal>,
    /// Whether it is in a list, or on the way into one. Who turns it from false to true must queue it.
    queued: AtomicBool,
    /// Who is meant. The inbox only hands it over.
    to: u64,
}

impl Signal {
    /// Makes a signal for `to`. It belongs to one receiver in one hub: a second inbox would take "queued" for its own.
    pub(crate) fn new(to: u64) -> Arc<Signal> {
        Arc::new(Signal { next: AtomicPtr::new(ptr::null_mut()), queued: AtomicBool::new(false), to })
    }

    /// Who is meant.
    pub(crate) fn to(&self) -> u64 {
        self.to
    }
}

/// What a sender has to do after [`Inbox::send`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a hub that sleeps must be woken by the one sender that is told so"]
pub(crate) enum Sent {
    /// Wake the hub: it sleeps or is about to, and nobody else was told.
    Wake,
    /// Nothing: the hub is awake, or somebody else was told to wake it.
    Seen,
    /// Nothing: the hub has ended.
    Closed,
}

/// The wake-ups left for one hub.
///
/// All there is to know is in one word, so that "nothing came, I sleep" and "something came, are you asleep?" are two
/// changes of the same word and one of them is first. The word is one of
///
/// | word | meaning |
/// |---|---|
/// | null | empty, the hub is awake |
/// | [`asleep()`] | empty, the hub sleeps or is about to |
/// | [`closed()`] | empty for ever |
/// | any other | the newest signal of a list, linked to the older ones by `next`; the hub is awake or being woken |
///
/// A list holds one strong count of each signal in it.
pub(crate) struct Inbox {
    head: AtomicPtr<Signal>,
}

/// The word of a hub that sleeps. A `Signal` is aligned to a pointer, so none lies here.
fn asleep() -> *mut Signal {
    ptr::without_provenance_mut(1)
}

/// The word of a hub that has ended.
fn closed() -> *mut Signal {
    ptr::without_provenance_mut(2)
}

fn is_list(head: *mut Signal) -> bool {
    !head.is_null() && head != asleep() && head != closed()
}

// Memory ordering.
//
// `head`: a sender releases its signal's `next` with the exchange that queues it, and the hub acquires the whole list
// with the exchange that takes it; between the two the word is only changed by exchanges, which keep every release
// in the chain. The changes among null, asleep and closed carry no data and are relaxed: that one word has one order of
// changes is all that the sleep needs.
//
// `queued`: each send swaps true in and each delivery swaps false in, both acquire and release.
//   Sender to hub: a send comes either before a delivery, which then sees all that the sender wrote, or after it; then it
//   finds false and queues the signal anew. In neither case is a wake-up lost, even if the sender never touches `head`.
//   Hub to sender: the hub has read `next` before the sender that finds false may write it. (Loom does not reorder a load
//   with a later store, so this one is argued here only.)
impl Inbox {
    const_fn! {
        pub(crate) const fn new() -> Inbox {
            Inbox { head: AtomicPtr::new(ptr::null_mut()) }
        }
    }

    /// Leaves `signal` in the inbox, if it is not there already. From any thread.
    ///
    /// What the caller wrote before is seen by the receiver after the next [`drain`](Inbox::drain).
    pub(crate) fn send(&self, signal: &Arc<Signal>) -> Sent {
        if signal.queued.swap(true, Ordering::AcqRel) {
            return Sent::Seen;
        }
        // The list's own count, made before the hub can see the signal.
        let held = Arc::into_raw(signal.clone()).cast_mut();
        let mut head = self.head.load(Ordering::Relaxed);
        while head != closed() {
            signal.next.store(if is_list(head) { head } else { ptr::null_mut() }, Ordering::Relaxed);
            match self.head.compare_exchange(head, held, Ordering::Release, Ordering::Relaxed) {
                Ok(before) if before == asleep() => return Sent::Wake,
                Ok(_) => return Sent::Seen,
                Err(actual) => head = actual,
            }
        }
        // SAFETY: S24: the inbox is closed and no list has got the count that `into_raw` gave above.
        drop(unsafe { Arc::from_raw(held) });
        signal.queued.swap(false, Ordering::AcqRel);
        Sent::Closed
    }

    /// Whether a drain would find nothing. One relaxed load, for the hub's quick look each turn.
    pub(crate) fn is_empty(&self) -> bool {
        !is_list(self.head.load(Ordering::Relaxed))
    }

    /// Takes all that is there and gives it to `deliver`, the oldest first.
    ///
    /// Each is out of the inbox before `deliver` sees it, so one that is sent again meanwhile comes again.
    pub(crate) fn drain(&self, mut deliver: impl FnMut(u64)) {
        let mut head = self.head.load(Ordering::Relaxed);
        while is_list(head) {
            match self.head.compare_exchange(head, ptr::null_mut(), Ordering::Acquire, Ordering::Relaxed) {
                Ok(newest) => return List::oldest_first(newest).for_each(|signal| deliver(signal.to())),
                Err(actual) => head = actual,
            }
        }
    }

    /// The hub is about to sleep. False if something has come meanwhile: it must drain first.
    pub(crate) fn fall_asleep(&self) -> bool {
        match self.head.compare_exchange(ptr::null_mut(), asleep(), Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => true,
            Err(head) => !is_list(head),
        }
    }

    /// The hub is up again, whatever the reason: senders need not wake it any more.
    pub(crate) fn wake_up(&self) {
        // Fails if a sender was first, or if the inbox is closed; then there is nothing to take back.
        let _ = self.head.compare_exchange(asleep(), ptr::null_mut(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Takes nothing more, and drops what is there. A second time does nothing.
    pub(crate) fn close(&self) {
        let head = self.head.swap(closed(), Ordering::Acquire);
        if is_list(head) {
            drop(List::oldest_first(head));
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.close();
    }
}

/// Signals taken out of an inbox, the oldest first. Nobody else touches their `next` until they are out of this too.
struct List {
    oldest: *mut Signal,
}

impl List {
    /// Turns round the list that begins with `newest`, the word of an inbox that the caller has just exchanged away.
    fn oldest_first(newest: *mut Signal) -> List {
        let mut oldest = ptr::null_mut();
        let mut rest = newest;
        while !rest.is_null() {
            // SAFETY: S15: the list holds a strong count of each signal in it.
            let signal = unsafe { &*rest };
            let older = signal.next.load(Ordering::Relaxed);
            signal.next.store(oldest, Ordering::Relaxed);
            oldest = rest;
            rest = older;
        }
        List { oldest }
    }
}

impl Iterator for List {
    type Item = Arc<Signal>;

    fn next(&mut self) -> Option<Arc<Signal>> {
        if self.oldest.is_null() {
            return None;
        }
        // SAFETY: S15: the strong count that `send` gave to the list with `into_raw`; the next line takes the signal out.
        let signal = unsafe { Arc::from_raw(self.oldest) };
        self.oldest = signal.next.load(Ordering::Relaxed);
        signal.queued.swap(false, Ordering::AcqRel);
        Some(signal)
    }
}

impl Drop for List {
    /// What was not delivered, because the inbox was closed or `deliver` panicked, is dropped: no count is leaked (S24).
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
