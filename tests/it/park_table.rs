//! Every call that can park, met by everything that can happen to who is parked.
//!
//! The list is not kept by hand: each function of `src/` whose documentation says `# Switching` with May or Always
//! must have a row in [`rows`], and each row is run through each [scenario](scenarios). What must come of it is the
//! table "Interruption" of the architecture page: a wait that can fail fails, one that cannot unwinds, a sleep ends early.

mod headings;
mod rows;
mod scenarios;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use crate::support;

/// A call that parks, and goes on parking each time it is called.
type Call = Box<dyn FnMut() -> io::Result<()>>;

struct Row {
    /// As [`headings`] names it.
    name: &'static str,
    manner: Manner,
    /// Makes the call; runs on the root, so that all that comes before the wait is done when the victim begins.
    prepare: fn(&Rc<Stage>) -> Call,
}

/// How a wait takes what happens to it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Manner {
    /// Expiry and cancel are errors of the call.
    Fallible,
    /// As fallible, but it ends by itself soon, and may do so before anything has happened to it.
    FallibleAndBrief,
    /// Expiry unwinds; cancel does nothing.
    Infallible,
    /// As infallible, but while its caller unwinds it waits all the same. It gets what it wants when the stage is cleared.
    Lock,
    /// Expiry unwinds; cancel makes it return.
    Sleep,
}

/// What the rows of one run share, and what is cleared away after it.
#[derive(Default)]
struct Stage {
    over: Cell<bool>,
    /// The victim waits in the middle of its unwinding: the OS thread's panic count says nothing about others.
    unwinds: Cell<bool>,
}

#[test]
fn every_call_that_can_park_has_a_row_and_every_row_is_such_a_call() {
    // Under the frame, as other tests leave the process no descriptors for a while.
    let documented: BTreeSet<String> = support::guard(headings::of_the_crate).into_iter().collect();
    let excused = rows::NO_WAITS_OF_THEIR_OWN.iter().map(|(name, _)| *name);
    // Calls that nothing interrupts have a table of their own.
    let excused = excused.chain(crate::fs::interruption::names());
    let listed: BTreeSet<String> =
        rows::all().map(|row| row.name).chain(excused).map(|name| name.to_string()).collect();
    let missing: Vec<_> = documented.difference(&listed).collect();
    let stale: Vec<_> = listed.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "calls with a Switching heading (May, Always) but without a row: {missing:#?}"
    );
    assert!(stale.is_empty(), "rows without such a call: {stale:#?}");
    assert!(documented.len() > 20, "the headings are not where this test looks");
}
