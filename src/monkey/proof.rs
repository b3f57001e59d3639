//! The proof that calls of std wait in the place of the OS thread: two green threads at the ends of a connection.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::monkey::gate::{self, Group};
use crate::monkey::report::Report;
use crate::thread;

/// Longer than any of it takes, and an end of it where a call blocks after all.
const AT_MOST: Duration = Duration::from_secs(2);

/// Runs on an OS thread of its own, with a hub of its own: whoever calls may have one, that is not to be held up by more
/// than these milliseconds.
pub(super) fn run() -> Result<(), Report> {
    if ![Group::Socket, Group::Time, Group::Dns].into_iter().any(gate::is_patched) {
        return Err(Report::with_fault("nothing is patched".into()));
    }
    let missing = Report::new().missing();
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(Report::with_fault(format!("these calls lead past this crate: {names}")));
    }
    let there = std::thread::Builder::new().name("greenroom-monkey".into()).spawn(prove);
    let proved = match there.map(std::thread::JoinHandle::join) {
        Ok(Ok(proved)) => proved,
        Ok(Err(_)) => Err("the self-test panicked".into()),
        Err(error) => Err(format!("no OS thread for the self-test: {error}")),
    };
    proved.map_err(Report::with_fault)
}

fn prove() -> Result<(), String> {
    if gate::is_patched(Group::Time) {
        prove_sleeps()?;
    }
    if gate::is_patched(Group::Socket) {
        match prove_sockets() {
            Ok(true) => {}
            Ok(false) => return Err("a read of std blocked its OS thread".into()),
            Err(error) => return Err(format!("no connection to try it on: {error}")),
        }
    }
    Ok(())
}

/// Who sleeps longer began first: it ends last if the other ran meanwhile.
fn prove_sleeps() -> Result<(), String> {
    let ended = std::rc::Rc::<std::cell::RefCell<Vec<&str>>>::default();
    let sleepers = [("long", 20), ("short", 1)].map(|(name, milliseconds)| {
        let ended = ended.clone();
        thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(milliseconds));
            ended.borrow_mut().push(name);
        })
    });
    for sleeper in sleepers {
        sleeper.join().map_err(|error| error.to_string())?;
    }
    match *ended.borrow() == ["short", "long"] {
        true => Ok(()),
        false => Err("a sleep of std blocked its OS thread".into()),
    }
}

/// Who reads came first: it has something to read only if who writes runs meanwhile.
fn prove_sockets() -> io::Result<bool> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    far.set_read_timeout(Some(AT_MOST))?;
    let reader = thread::spawn(move || far.read(&mut [0; 8]).ok());
    let writer = thread::spawn(move || near.write(b"proof"));
    let read = reader.join().ok().flatten();
    writer.join().map_err(io::Error::other)??;
    Ok(read == Some(5))
}
