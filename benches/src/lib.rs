//! The bench: greenroom's side of each case, and the comparison of it with its rivals.
//!
//! `ours` is greenroom's side, one question a file. `micro` measures one case of it alone. `comparison` measures all
//! beside the rivals in one run: what is compared is in `cases` and in `echo`, how it is measured in `contest`, what
//! is made of the figures in `stats`, `targets` and `report`.

mod alone;
#[cfg(feature = "rivals")]
mod cases;
#[cfg(feature = "rivals")]
mod child;
#[cfg(feature = "rivals")]
pub mod comparison;
#[cfg(feature = "rivals")]
mod contest;
#[cfg(feature = "rivals")]
mod docs;
pub mod echo;
mod footprint;
mod group;
pub mod http;
#[expect(
    unsafe_code,
    reason = "epoll, the affinity of threads and the clock of a process are plain system calls"
)]
#[cfg_attr(
    not(feature = "rivals"),
    allow(dead_code, unused_imports, reason = "the echo load is part of the comparison")
)]
mod kernel;
mod lateness;
#[cfg(feature = "rivals")]
mod machine;
pub mod micro;
#[cfg(feature = "rivals")]
mod options;
mod ours;
#[cfg(feature = "rivals")]
mod outside;
#[cfg(feature = "rivals")]
mod report;
#[cfg(feature = "rivals")]
mod rivals;
pub mod serving;
#[cfg_attr(not(feature = "rivals"), allow(dead_code, reason = "ratios are part of the comparison"))]
mod stats;
mod stopwatch;
#[cfg(feature = "rivals")]
mod targets;
#[cfg(feature = "rivals")]
mod versions;
