//! The models, one file for each file under test.

mod inbox;
mod sleeper;
mod token;

use loom::model::Builder;

/// Checks `claim` in every order of its threads with at most `preemptions` preemptions.
fn check(preemptions: usize, claim: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(claim);
}
