//! What all kinds of sockets offer alike: std's traits around their descriptor, and the methods that only ask or set.

/// The face of one kind: `face!(Type, std's type, std's type of addresses, "noun", its way back into a descriptor)`.
macro_rules! face {
    ($name:ident, $std:ty, $address:ty, $noun:literal, $into_fd:ident) => {
        impl $name {
            #[doc = concat!("Takes over a ", $noun, " of std's, whichever mode it was in, with its timeouts.")]
            ///
            /// # Errors
            ///
            /// If the descriptor cannot be made non-blocking.
            pub fn from_std(socket: $std) -> ::std::io::Result<$name> {
                Ok($name { handle: $crate::net::handle::Handle::adopt(socket.into())? })
            }

            #[doc = concat!("Turns this ", $noun, " into one of std's, in blocking mode.")]
            ///
            /// While other handles share the descriptor, the result has a duplicate of it; they go on as before. That of a
            /// listener is non-blocking then: the kernel knows one mode for both, and an `accept` of theirs must not stop
            /// the OS thread.
            ///
            /// # Errors
            ///
            /// If it was closed, or its descriptor has to be duplicated and cannot.
            pub fn into_std(self) -> ::std::io::Result<$std> {
                Ok(self.handle.$into_fd()?.into())
            }

            #[doc = concat!("Returns the address of this ", $noun, ".")]
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn local_addr(&self) -> ::std::io::Result<$address> {
                self.handle.socket::<$std>()?.local_addr()
            }

            #[doc = concat!("Returns a second handle to the same ", $noun, "; both share one descriptor, where std")]
            /// duplicates it, and its timeouts.
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn try_clone(&self) -> ::std::io::Result<$name> {
                Ok($name { handle: self.handle.try_clone()? })
            }

            /// Closes the socket, whatever other handles there are: connection and address are given up at once, and every
            /// call that waits on it ends with [`NotConnected`](std::io::ErrorKind::NotConnected).
            ///
            /// # Switching
            ///
            /// Never.
            ///
            /// # Errors
            ///
            /// Those of the system; the socket is closed all the same. Closing it again does nothing.
            pub fn close(&self) -> ::std::io::Result<()> {
                self.handle.close()
            }

            /// Returns and clears the error pending on the socket (`SO_ERROR`).
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn take_error(&self) -> ::std::io::Result<Option<::std::io::Error>> {
                self.handle.socket::<$std>()?.take_error()
            }

            /// Makes calls that would park fail with [`WouldBlock`](std::io::ErrorKind::WouldBlock) instead, for all
            /// handles.
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn set_nonblocking(&self, nonblocking: bool) -> ::std::io::Result<()> {
                self.handle.set_nonblocking(nonblocking)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::net::view::View::<$std>::new(self.handle.fd()).fmt(formatter)
            }
        }

        impl ::std::os::fd::AsFd for $name {
            fn as_fd(&self) -> ::std::os::fd::BorrowedFd<'_> {
                self.handle.fd()
            }
        }

        impl ::std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> ::std::os::fd::RawFd {
                ::std::os::fd::AsRawFd::as_raw_fd(&self.handle.fd())
            }
        }

        impl From<::std::os::fd::OwnedFd> for $name {
            #[doc = concat!("Takes over a descriptor; [`", stringify!($name), "::from_std`] does so without a panic.")]
            ///
            /// # Panics
            ///
            /// If the descriptor cannot be made non-blocking.
            fn from(descriptor: ::std::os::fd::OwnedFd) -> $name {
                let handle = $crate::net::handle::Handle::adopt(descriptor);
                $name { handle: handle.expect("a descriptor that can be made non-blocking") }
            }
        }

        impl TryFrom<$std> for $name {
            type Error = ::std::io::Error;

            fn try_from(socket: $std) -> ::std::io::Result<$name> {
                $name::from_std(socket)
            }
        }

        impl From<$name> for ::std::os::fd::OwnedFd {
            #[doc = concat!("Gives the descriptor up as [`", stringify!($name), "::into_std`] does, which has no panic.")]
            ///
            /// # Panics
            ///
            /// If it was closed, or its descriptor has to be duplicated and cannot.
            fn from(socket: $name) -> ::std::os::fd::OwnedFd {
                socket.into_std().expect("an open socket that gives its descriptor up").into()
            }
        }

        impl ::std::os::fd::IntoRawFd for $name {
            #[doc = concat!("Gives the descriptor up as [`", stringify!($name), "::into_std`] does, which has no panic.")]
            ///
            /// # Panics
            ///
            /// If it was closed, or its descriptor has to be duplicated and cannot.
            fn into_raw_fd(self) -> ::std::os::fd::RawFd {
                ::std::os::fd::IntoRawFd::into_raw_fd(::std::os::fd::OwnedFd::from(self))
            }
        }

        impl ::std::os::fd::FromRawFd for $name {
            /// Takes over a descriptor that nobody else owns; it must be a socket of this kind.
            ///
            /// # Panics
            ///
            /// If the descriptor cannot be made non-blocking.
            unsafe fn from_raw_fd(number: ::std::os::fd::RawFd) -> $name {
                // SAFETY: S17: the number is open and owned by nobody else (caller).
                unsafe { <::std::os::fd::OwnedFd as ::std::os::fd::FromRawFd>::from_raw_fd(number) }.into()
            }
        }
    };
}

/// The timeouts of a kind that transfers bytes or datagrams.
macro_rules! timeouts {
    ($name:ident) => {
        impl $name {
            /// Returns the longest that a read waits, as the kernel keeps it, rounded up to its tick; `None` is for ever.
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn read_timeout(&self) -> ::std::io::Result<Option<::std::time::Duration>> {
                self.handle.read_timeout()
            }

            /// Sets the longest that a read, receive or peek waits, for all handles; `None` is for ever.
            ///
            /// Then it fails with [`WouldBlock`](std::io::ErrorKind::WouldBlock), as std's does on Unix. A wait that has
            /// begun keeps the limit it began with.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) for a timeout of zero,
            /// [`NotConnected`](std::io::ErrorKind::NotConnected) if it was closed.
            pub fn set_read_timeout(&self, timeout: Option<::std::time::Duration>) -> ::std::io::Result<()> {
                self.handle.set_read_timeout(timeout)
            }

            /// Returns the longest that a write waits, as the kernel keeps it, rounded up to its tick; `None` is for ever.
            ///
            /// # Errors
            ///
            /// If it was closed.
            pub fn write_timeout(&self) -> ::std::io::Result<Option<::std::time::Duration>> {
                self.handle.write_timeout()
            }

            /// Sets the longest that a write or send waits, for all handles; `None` is for ever.
            ///
            /// Then it fails with [`WouldBlock`](std::io::ErrorKind::WouldBlock), as std's does on Unix. A wait that has
            /// begun keeps the limit it began with.
            ///
            /// # Errors
            ///
            /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) for a timeout of zero,
            /// [`NotConnected`](std::io::ErrorKind::NotConnected) if it was closed.
            pub fn set_write_timeout(&self, timeout: Option<::std::time::Duration>) -> ::std::io::Result<()> {
                self.handle.set_write_timeout(timeout)
            }
        }
    };
}

pub(crate) use {face, timeouts};

use super::{SocketAddr, TcpListener, TcpStream, UdpSocket};

face!(TcpStream, std::net::TcpStream, SocketAddr, "stream", into_fd);
face!(TcpListener, std::net::TcpListener, SocketAddr, "listener", into_listening_fd);
face!(UdpSocket, std::net::UdpSocket, SocketAddr, "socket", into_fd);
timeouts!(TcpStream);
timeouts!(UdpSocket);
