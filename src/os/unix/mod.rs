//! What all Unix systems have, as [`std::os::unix`].

pub mod net;
