//! The news that some child has changed its state: SIGCHLD, as bytes of a stream.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use signal_hook::{SigId, consts::SIGCHLD, low_level};

/// Where one OS thread waits for news.
pub(super) struct News {
    bytes: UnixStream,
    action: SigId,
}

/// Makes the one who waits look at once.
pub(super) struct Knock(UnixStream);

impl News {
    /// Listens from now on.
    pub(super) fn subscribe() -> io::Result<(News, Knock)> {
        let (bytes, knock) = UnixStream::pair()?;
        let action = low_level::pipe::register(SIGCHLD, knock.try_clone()?)?;
        Ok((News { bytes, action }, Knock(knock)))
    }

    /// Waits until there may be something to see.
    pub(super) fn wait(&mut self) {
        // Interrupted, it looks in vain.
        let _ = self.bytes.read(&mut [0; 256]);
    }
}

impl Drop for News {
    fn drop(&mut self) {
        low_level::unregister(self.action);
    }
}

impl Knock {
    pub(super) fn knock(&mut self) {
        // If there is no room for a byte there are others to be read.
        let _ = self.0.write(&[0]);
    }
}
