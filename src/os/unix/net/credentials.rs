//! Who is at the other end of a Unix socket.

/// The process at the other end of a [`UnixStream`](super::UnixStream), as it was when the two were connected; std's type
/// of this name, which is not stable yet.
///
/// # Examples
///
/// ```
/// use greenroom::os::unix::net::UnixStream;
///
/// let (near, _far) = UnixStream::pair()?;
/// let peer = near.peer_cred()?;
/// # #[cfg(target_os = "linux")]
/// assert_eq!(peer.pid, Some(std::process::id() as i32));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UCred {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The process, where the system tells.
    pub pid: Option<i32>,
}
