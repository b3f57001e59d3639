//! The bench: greenroom's side of each case, and the comparison of it with its rivals.
//!
//! What is compared is in `cases`, one question a file, and in `echo`; how it is measured is in `contest`;
//! what is made of the figures is in `stats` and `report`. `comparison` is the whole of it.

#[cfg(feature = "rivals")]
mod cases;
#[cfg(feature = "rivals")]
pub mod comparison;
#[cfg(feature = "rivals")]
mod contest;
#[cfg(feature = "rivals")]
mod echo;
#[expect(
    unsafe_code,
    reason = "epoll, the affinity of threads and the clock of a process are plain system calls"
)]
mod kernel;
#[cfg(feature = "rivals")]
mod options;
#[cfg(feature = "rivals")]
mod report;
#[cfg(feature = "rivals")]
mod rivals;
mod stats;
