//! The orderly end of all connections: those between two requests are told that there is no other, those that serve one
//! finish it.

use greenroom::net::{Shutdown, TcpStream};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Default)]
pub(crate) struct Drain {
    has_begun: Cell<bool>,
    next: Cell<u64>,
    seats: RefCell<HashMap<u64, Rc<Seat>>>,
}

/// One connection.
pub(crate) struct Seat {
    drain: Rc<Drain>,
    number: u64,
    socket: Option<TcpStream>,
    /// It waits for the first byte of a request.
    waits: Cell<bool>,
}

impl Drain {
    /// Begins it. Who waits for a request reads the end of the stream; what is under way says `connection: close`.
    pub(crate) fn begin(&self) {
        self.has_begun.set(true);
        for seat in self.seats.borrow().values().filter(|seat| seat.waits.get()) {
            seat.hear_no_more();
        }
    }

    /// Enters a connection; it leaves when what is returned is dropped.
    pub(crate) fn enter(self: &Rc<Drain>, socket: &TcpStream) -> Guest {
        let number = self.next.replace(self.next.get() + 1);
        let seat = Rc::new(Seat {
            drain: self.clone(),
            number,
            socket: socket.try_clone().ok(),
            waits: Cell::new(false),
        });
        self.seats.borrow_mut().insert(number, seat.clone());
        Guest(seat)
    }
}

impl Seat {
    fn hear_no_more(&self) {
        // A socket that the client has reset needs no telling.
        let _ = self.socket.as_ref().map(|socket| socket.shutdown(Shutdown::Read));
    }
}

/// A connection that is in.
pub(crate) struct Guest(Rc<Seat>);

impl Guest {
    pub(crate) fn is_last_request(&self) -> bool {
        self.0.drain.has_begun.get()
    }

    /// Says whether it waits for a request.
    pub(crate) fn waits(&self, on: bool) {
        self.0.waits.set(on);
        if on && self.0.drain.has_begun.get() {
            self.0.hear_no_more();
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.drain.seats.borrow_mut().remove(&self.0.number);
    }
}
