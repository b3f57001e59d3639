//! Loom models of what crosses OS threads: greenroom's own files, compiled here with `cfg(loom)`, and one claim a model.
//!
//! Each model has two or three threads with one or two steps each. It is run in every order with at most as many
//! preemptions as it states, and with every value that a relaxed load may return. Each was seen to fail once with the
//! fault that its comment names planted in the file under test.
#![cfg(test)]

#[path = "../../src/shim.rs"]
mod shim;

#[path = "../../src/hub/token.rs"]
mod token;

#[expect(unsafe_code, reason = "the list of signals is intrusive")]
#[path = "../../src/hub/inbox.rs"]
mod inbox;

mod models;
