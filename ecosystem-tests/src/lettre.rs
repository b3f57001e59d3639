//! A stream for lettre: the half of it that takes streams is async, yet on ours no poll is ever pending.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use greenroom::net::{TcpStream, ToSocketAddrs};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use send_wrapper::SendWrapper;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Connects to a server and greets it. The connection's methods go through [`greenroom::block_on`].
///
/// # Switching
///
/// May, when the server does not answer at once, or its name is looked up.
///
/// # Errors
///
/// Those of [`TcpStream::connect`], and lettre's.
///
/// # Examples
///
/// ```no_run
/// use greenroom::block_on;
/// use lettre::transport::smtp::extension::ClientId;
///
/// # fn send(mail: lettre::Message) -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = greenroom_ecosystem::lettre::connect("localhost:25", &ClientId::default())?;
/// block_on(connection.send(mail.envelope(), &mail.formatted()))?;
/// block_on(connection.quit())?;
/// # Ok(()) }
/// ```
pub fn connect<A: ToSocketAddrs>(
    address: A,
    name: &ClientId,
) -> Result<AsyncSmtpConnection, Box<dyn std::error::Error>> {
    let stream = SendWrapper::new(TcpStream::connect(address)?);
    Ok(greenroom::block_on(AsyncSmtpConnection::connect_with_transport(Box::new(Parking(stream)), name))?)
}

/// A stream whose polls park the green thread until they have something to say.
///
/// Good for an async client that does one thing at a time. One that waits for several in one poll would stop at the first.
/// lettre asks that it be `Send`, which ours is not: the wrapper panics if it is used on another OS thread.
#[derive(Debug)]
pub struct Parking(SendWrapper<TcpStream>);

impl AsyncTokioStream for Parking {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for Parking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.0.read(buffer.initialize_unfilled());
        Poll::Ready(read.map(|length| buffer.advance(length)))
    }
}

impl AsyncWrite for Parking {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown(Shutdown::Write))
    }
}
