//! Child processes, as in [`std::process`]: whoever waits for one, or for its pipes, parks.
//!
//! ```
//! use greenroom::io::{Read, Write};
//! use greenroom::process::{Command, Stdio};
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let mut upper = Command::new("tr").args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//! let mut input = upper.stdin.take().unwrap();
//! greenroom::spawn(move || input.write_all(b"hello"));
//! let mut heard = String::new();
//! upper.stdout.take().unwrap().read_to_string(&mut heard)?;
//! assert_eq!(heard, "HELLO");
//! assert!(upper.wait()?.success());
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Types, methods and results are those of [`std::process`], and what does not wait is std's own, re-exported. Besides there
//! are [`Child::wait_timeout`] and [`Child::terminate`].
//!
//! The end of a child is told by a descriptor of the kernel's (`pidfd_open`, Linux 5.3), which is made when somebody first
//! has to wait; where there is none, or no number left for one, by SIGCHLD, which one OS thread listens to for as long as
//! somebody waits. Either way only the children that are waited for are reaped, each by its own number: those of other
//! libraries are left alone.
//!
//! # Cancellation
//!
//! Every call here that waits fails when its caller is cancelled or its [`timeout`](crate::timeout) has expired, and unwinds
//! when it is killed. The child knows nothing of that: it runs on, and can be waited for again.
//!
//! # Traps
//!
//! * A [`Child`] that is dropped runs on, and is a zombie from its end to the end of this process, as with std.
//! * [`Command::spawn`] blocks the OS thread until the child has begun its program: a millisecond or so.
//! * A process that was made by `fork` and has not called `exec` cannot use this crate: its first use panics and says so.

mod child;
mod command;
mod ending;
mod pipe;
#[cfg(feature = "signal")]
mod sigchld;
#[cfg(not(feature = "signal"))]
#[path = "intervals.rs"]
mod sigchld;
mod station;

pub use child::Child;
pub use command::Command;
pub use pipe::{ChildStderr, ChildStdin, ChildStdout};
pub use std::process::{
    CommandArgs, CommandEnvs, ExitCode, ExitStatus, Output, Stdio, Termination, abort, exit, id,
};
