//! The bytes of a connection: how they are received and sent.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::BorrowedFd;

use super::socket;
use super::stream::TcpStream;
use crate::park::source::Direction;

impl TcpStream {
    /// Runs a call that receives into `room` bytes, waiting as the read timeout allows.
    pub(super) fn receive(
        &self,
        room: usize,
        call: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
        drained: impl FnOnce(&usize) -> bool,
    ) -> io::Result<usize> {
        // Into no room the kernel would wait for data all the same.
        if room == 0 {
            return Ok(0);
        }
        self.source.transfer(Direction::Read, self.timeouts.read.get(), call, drained)
    }

    /// Runs a call that sends `length` bytes, waiting as the write timeout allows.
    fn send(
        &self,
        length: usize,
        call: impl FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.source.transfer(Direction::Write, self.timeouts.write.get(), call, |&sent| sent < length)
    }
}

impl Read for &TcpStream {
    /// Receives what has arrived, at most `buffer.len()` bytes; 0 once the peer has shut down its writing side.
    ///
    /// # Switching
    ///
    /// May, when nothing has arrived. Never for an empty buffer, which is full at once.
    ///
    /// # Errors
    ///
    /// Those of `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when the read timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stream is closed.
    ///
    /// # Cancellation
    ///
    /// No byte is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        self.receive(room, |fd| socket::receive(fd, buffer), |&got| is_short_read(got, room))
    }

    /// Receives into several buffers, at most 1,024 of them a call.
    ///
    /// # Switching
    ///
    /// May, when nothing has arrived. Never if there is no room in the buffers.
    ///
    /// # Errors
    ///
    /// As `read`.
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let count = buffers.len().min(socket::MOST_SLICES);
        let buffers = &mut buffers[..count];
        let room = total(buffers.iter().map(|buffer| buffer.len()));
        self.receive(room, |fd| socket::receive_vectored(fd, buffers), |&got| is_short_read(got, room))
    }
}

impl Write for &TcpStream {
    /// Sends as much as the socket takes: at least one byte, unless there is none to be sent.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full.
    ///
    /// # Errors
    ///
    /// Those of `send(2)`, [`BrokenPipe`](io::ErrorKind::BrokenPipe) for a peer that is gone;
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the write timeout is over, and
    /// [`NotConnected`](io::ErrorKind::NotConnected) once the stream is closed.
    ///
    /// # Cancellation
    ///
    /// An interrupted `write` has sent nothing; an interrupted `write_all` may have sent a part.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes.len(), |fd| socket::send(fd, bytes))
    }

    /// Sends from several buffers, at most 1,024 of them a call.
    ///
    /// # Switching
    ///
    /// May, when the send buffer is full.
    ///
    /// # Errors
    ///
    /// As `write`.
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers = &buffers[..buffers.len().min(socket::MOST_SLICES)];
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.send(length, |fd| socket::send_vectored(fd, buffers))
    }

    /// Does nothing: what is written is with the kernel already.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a read has emptied the socket: a stream fills the buffer if it can. 0 is the end, which stays readable.
fn is_short_read(got: usize, room: usize) -> bool {
    0 < got && got < room
}

/// Adds lengths up; what overflows is more than any one call transfers.
fn total(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.fold(0, usize::saturating_add)
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
