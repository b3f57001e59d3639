//! The floor `park`: its own files, but for the seat.

#[path = "../../src/park/bell.rs"]
pub(crate) mod bell;
#[expect(unsafe_code, reason = "links waiters in the frames of those who wait")]
#[path = "../../src/park/line.rs"]
pub(crate) mod line;
#[path = "../../src/park/parker.rs"]
pub(crate) mod parker;
#[expect(unsafe_code, reason = "names by pointer those who stand in a line")]
pub(crate) mod seat;
#[path = "../../src/park/watchers.rs"]
pub(crate) mod watchers;
