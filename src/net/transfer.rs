//! The bytes of a connection: how they are received and sent.

use std::io::{self, IoSlice, IoSliceMut};

use super::handle::Handle;
use super::socket;

/// What a read that did not fill its buffer tells about the socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShortRead {
    /// There is nothing more: the next read would wait.
    EmptiedIt,
    /// There may be more: a Unix socket stops at what came with descriptors or from another sender.
    MayLeaveMore,
}

impl Handle {
    pub(crate) fn read(&self, buffer: &mut [u8], short: ShortRead) -> io::Result<usize> {
        let room = buffer.len();
        // Into no room the kernel would wait for data all the same.
        if room == 0 {
            return Ok(0);
        }
        self.receive(|fd| socket::receive(fd, buffer), |&got| has_drained(got, room, short))
    }

    pub(crate) fn read_vectored(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        short: ShortRead,
    ) -> io::Result<usize> {
        let count = buffers.len().min(socket::MOST_SLICES);
        let buffers = &mut buffers[..count];
        let room = total(buffers.iter().map(|buffer| buffer.len()));
        if room == 0 {
            return Ok(0);
        }
        self.receive(|fd| socket::receive_vectored(fd, buffers), |&got| has_drained(got, room, short))
    }

    pub(crate) fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        // Nothing was taken out, so however short the peek, the next attempt may succeed.
        self.receive(|fd| socket::peek(fd, buffer), |_| false)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.send(|fd| socket::send(fd, bytes), |&sent| sent < bytes.len())
    }

    pub(crate) fn write_vectored(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let buffers = &buffers[..buffers.len().min(socket::MOST_SLICES)];
        let length = total(buffers.iter().map(|buffer| buffer.len()));
        self.send(|fd| socket::send_vectored(fd, buffers), |&sent| sent < length)
    }
}

/// Whether a read has emptied the socket: a stream fills the buffer if it can. 0 is the end, which stays readable.
fn has_drained(got: usize, room: usize, short: ShortRead) -> bool {
    short == ShortRead::EmptiedIt && 0 < got && got < room
}

/// Adds lengths up; what overflows is more than any one call transfers.
fn total(lengths: impl Iterator<Item = usize>) -> usize {
    lengths.fold(0, usize::saturating_add)
}
