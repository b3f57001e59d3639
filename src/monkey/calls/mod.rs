//! The calls: functions of the C library's names, in the place of its own. Each is written out; what they do lies in bodies that
//! they share.

pub(crate) mod receive;
pub(crate) mod send;
pub(crate) mod sleep;
