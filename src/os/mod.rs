//! [`std::os`], for programs that say `greenroom::` where they said `std::`: what only some systems have.
//!
//! ```
//! use greenroom::io::{Read, Write};
//! use greenroom::os::unix::net::UnixStream;
//!
//! # greenroom::run(|| -> std::io::Result<()> {
//! let (mut near, mut far) = UnixStream::pair()?;
//! near.write_all(b"hello")?;
//! assert_eq!(far.read(&mut [0; 8])?, 5);
//! # Ok(()) })?;
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod unix;

pub use std::os::fd;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub mod linux {
    //! What only Linux has, as [`std::os::linux`].

    pub mod net {
        //! Abstract names of Unix sockets.

        pub use std::os::linux::net::SocketAddrExt;
    }
}
