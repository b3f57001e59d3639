//! What the kinds of Unix sockets offer alike.

use std::os::unix::net as unix;

use super::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use crate::net::face::{face, timeouts};

face!(UnixStream, unix::UnixStream, SocketAddr, "stream", into_fd);
face!(UnixListener, unix::UnixListener, SocketAddr, "listener", into_listening_fd);
face!(UnixDatagram, unix::UnixDatagram, SocketAddr, "socket", into_fd);
timeouts!(UnixStream);
timeouts!(UnixDatagram);
