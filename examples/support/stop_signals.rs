//! The signals that end a server: SIGINT and SIGTERM, caught on an OS thread of their own.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::{io, thread};

/// Calls `stop` when one of them arrives.
pub(crate) fn on_each(stop: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || signals.forever().for_each(|_| stop()))?;
    Ok(())
}
