//! The rooms of the chat, who is in each, and the ears through which they are told.

use greenroom::net::{Shutdown, TcpStream};
use greenroom::pool::Group;
use greenroom::queue::{PutError, Queue};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::{rc::Rc, time::Duration};

/// How many lines a member may be behind the others.
const MOST_UNHEARD: usize = 256;

type Room = BTreeMap<String, Rc<Ear>>;

#[derive(Default)]
pub(crate) struct Rooms {
    /// No room is empty.
    rooms: RefCell<HashMap<String, Room>>,
    writers: Group,
}

/// Where a client hears what is said: lines that wait, and a green thread that writes them.
pub(crate) struct Ear {
    unheard: Queue<Rc<str>>,
    stream: TcpStream,
}

impl Ear {
    /// Tells the client one line. Never waits: a client that has not heard so many lines is put out instead.
    pub(crate) fn hear(&self, line: impl Into<Rc<str>>) {
        if let Err(PutError::Full(_)) = self.unheard.try_put(line.into()) {
            self.unheard.close_now();
            self.hang_up();
        }
    }

    fn write_all(&self) {
        for line in &self.unheard {
            let line = format!("{line}\n");
            if (&self.stream).write_all(line.as_bytes()).is_err() {
                self.unheard.close_now();
            }
        }
        self.hang_up();
    }

    /// Ends its session as well, which waits to read.
    fn hang_up(&self) {
        // Fails if the client has reset the connection: then it is over already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// An ear for as long as its client is there; then it writes what it has yet, and ends.
pub(crate) struct Listening(Rc<Ear>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.unheard.close();
    }
}

impl std::ops::Deref for Listening {
    type Target = Ear;

    fn deref(&self) -> &Ear {
        &self.0
    }
}

impl Rooms {
    pub(crate) fn listen(&self, stream: &TcpStream) -> io::Result<Listening> {
        let ear = Rc::new(Ear { unheard: Queue::bounded(MOST_UNHEARD), stream: stream.try_clone()? });
        let writer = Rc::clone(&ear);
        self.writers.spawn(move || writer.write_all());
        Ok(Listening(ear))
    }

    /// Makes the client a member of `room`; `None` if somebody there has that name.
    pub(crate) fn enter(&self, room: &str, name: &str, ear: &Listening) -> Option<Member<'_>> {
        let mut rooms = self.rooms.borrow_mut();
        let members = rooms.entry(room.to_owned()).or_default();
        if members.contains_key(name) {
            return None;
        }
        members.insert(name.to_owned(), Rc::clone(&ear.0));
        drop(rooms);
        let member = Member { rooms: self, room: room.to_owned(), name: name.to_owned() };
        ear.hear(format!("* you are in {room}, where there are: {}", member.all().join(", ")));
        member.tell_others(&format!("* {name} comes in"));
        Some(member)
    }

    /// Tells everybody that it is over, and gives them `grace` to hear it.
    pub(crate) fn close(&self, grace: Duration) {
        for ear in self.rooms.borrow().values().flat_map(BTreeMap::values) {
            ear.hear("* the chat is over");
            ear.unheard.close();
        }
        if !self.writers.join_timeout(grace) {
            self.writers.kill();
        }
    }
}

/// A client in a room; leaves it when dropped.
pub(crate) struct Member<'a> {
    rooms: &'a Rooms,
    room: String,
    name: String,
}

impl Member<'_> {
    pub(crate) fn say(&self, line: &str) {
        self.tell_others(&format!("{}: {line}", self.name));
    }

    /// The names of those in the room.
    pub(crate) fn all(&self) -> Vec<String> {
        self.rooms.rooms.borrow()[&self.room].keys().cloned().collect()
    }

    fn tell_others(&self, line: &str) {
        let line: Rc<str> = line.into();
        for (name, ear) in self.rooms.rooms.borrow().get(&self.room).into_iter().flatten() {
            if *name != self.name {
                ear.hear(Rc::clone(&line));
            }
        }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.tell_others(&format!("* {} leaves", self.name));
        let mut rooms = self.rooms.rooms.borrow_mut();
        let room = rooms.get_mut(&self.room).expect("who is in it is in it");
        room.remove(&self.name);
        if room.is_empty() {
            rooms.remove(&self.room);
        }
    }
}
