//! The one place where control leaves a green thread, or the root.

use std::ptr;

use crate::greenlet::switch;
use crate::hub::Hub;
use crate::hub::task::Task;

/// A green thread suspends to the turn, to which it hands the hub; the root turns the hub itself. The state was set
/// before; whoever woke it has also said why.
///
/// In its caller, or the processor mispredicts each return (see [`switch::suspend`]); but for debug builds, where that makes
/// the frames of whoever parks outgrow a page.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn switch_away(hub: &Hub, task: &Task) {
    hub.look_who_unwinds();
    let yielder = task.yielder.get();
    if yielder.is_null() {
        hub.run_until_root();
    } else {
        task.note_place(switch::stack_pointer());
        // SAFETY: `task` runs, so its coroutine has begun and not ended, and this frame stands on its stack or on one that
        // was entered from it (S7, S8).
        unsafe { switch::suspend(yielder, ptr::from_ref(hub).expose_provenance()) };
    }
}
