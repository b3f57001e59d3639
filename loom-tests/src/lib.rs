//! Loom models of what crosses OS threads: greenroom's own files, compiled here with `cfg(loom)`, and one claim a model.
//!
//! Each model has two or three threads with one or two steps each. It is run in every order with at most as many
//! preemptions as it states, and with every value that a relaxed load may return. Each was seen to fail once with the
//! fault that its comment names planted in the file under test.
//!
//! What those files import stands where they expect it. Where that needs a hub or a stack (`park::seat`, `greenlet`),
//! there is something that a loom thread can do in its place.
#![cfg(test)]
#![allow(dead_code, reason = "the files under test hold more than what a model needs")]

#[path = "../../src/shim.rs"]
mod shim;

#[path = "../../src/hub/token.rs"]
mod token;

#[expect(unsafe_code, reason = "the list of signals is intrusive")]
#[path = "../../src/hub/inbox.rs"]
mod inbox;

#[path = "../../src/hub/mailbox.rs"]
mod mailbox;

mod executor;
mod greenlet;
mod monkey;
mod park;
mod queue;
mod sync;

mod models;
