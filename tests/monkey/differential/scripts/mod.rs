//! The scripts, by what they are about.

use super::Script;

pub(super) mod connecting;
pub(super) mod datagrams;
pub(super) mod descriptors;
pub(super) mod messages;
pub(super) mod pipes;
pub(super) mod polling;
pub(super) mod selecting;
pub(super) mod sleeping;
pub(super) mod streams;
pub(super) mod surroundings;

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Script> {
    let files = [
        connecting::SCRIPTS,
        datagrams::SCRIPTS,
        descriptors::SCRIPTS,
        messages::SCRIPTS,
        pipes::SCRIPTS,
        polling::SCRIPTS,
        selecting::SCRIPTS,
        sleeping::SCRIPTS,
        streams::SCRIPTS,
        surroundings::SCRIPTS,
    ];
    files.into_iter().flatten()
}
