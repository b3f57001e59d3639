//! Rows: waits for signals that do not come.

use greenroom::signal::{SIGURG, SIGWINCH, Signals, ctrl_c};

use super::super::Manner::{Fallible, Infallible};
use super::super::Row;
use super::{plain, row};

pub(super) const ROWS: &[Row] = &[
    row("signal::Signals::wait", Infallible, |_| {
        let signals = Signals::new([SIGURG]).unwrap();
        plain(move || {
            signals.wait();
        })
    }),
    row("signal::Signals::next", Infallible, |_| {
        let mut signals = Signals::new([SIGURG, SIGWINCH]).unwrap();
        plain(move || {
            signals.next();
        })
    }),
    row("signal::ctrl_c", Fallible, |_| Box::new(ctrl_c)),
];
