//! The signals that end a server: SIGINT and SIGTERM, caught on an OS thread of their own.

use crate::stop_switch::StopSwitch;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::{io, thread};

/// Pulls `switch` when one of them arrives.
pub(crate) fn pull(switch: StopSwitch) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || signals.forever().for_each(|_| switch.pull()))?;
    Ok(())
}
