//! Rows of queues and of the channels over them.

use std::io;
use std::time::Duration;

use greenroom::queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue};
use greenroom::sync::mpsc;

use super::super::Manner::{Fallible, Infallible};
use super::super::Row;
use super::{plain, row};

const LONG: Duration = Duration::from_secs(86_400);

pub(super) const ROWS: &[Row] = &[
    row("queue::put", Fallible, |_| {
        let full = Queue::bounded(1);
        full.put(0).unwrap();
        Box::new(move || of_put(full.put(1)))
    }),
    row("queue::put", Fallible, |_| {
        let by_hand = Queue::bounded(0);
        Box::new(move || of_put(by_hand.put(1)))
    }),
    row("queue::put", Fallible, |_| {
        let full = PriorityQueue::bounded(1);
        full.put(0).unwrap();
        Box::new(move || of_put(full.put(1)))
    }),
    row("queue::put_timeout", Fallible, |_| {
        let full = LifoQueue::bounded(1);
        full.put(0).unwrap();
        Box::new(move || of_put(full.put_timeout(1, LONG)))
    }),
    row("queue::get", Fallible, |_| {
        let empty = Queue::<u8>::unbounded();
        Box::new(move || of_get(empty.get()))
    }),
    row("queue::get", Fallible, |_| {
        let empty = PriorityQueue::<u8>::unbounded();
        Box::new(move || of_get(empty.get()))
    }),
    row("queue::get_timeout", Fallible, |_| {
        let empty = LifoQueue::<u8>::bounded(2);
        Box::new(move || of_get(empty.get_timeout(LONG)))
    }),
    row("queue::join", Infallible, |_| {
        let undone = Queue::unbounded();
        undone.put(()).unwrap();
        plain(move || undone.join())
    }),
    row("queue::join_timeout", Infallible, |_| {
        let undone = Queue::unbounded();
        undone.put(()).unwrap();
        plain(move || {
            undone.join_timeout(LONG);
        })
    }),
    row("queue::Iter::next", Fallible, |_| {
        let empty = Queue::<u8>::unbounded();
        // An iterator has no error: it ends.
        Box::new(move || of_get(empty.iter().next().ok_or(GetError::Interrupted)))
    }),
    row("sync::SyncSender::send", Infallible, |_| {
        let (sender, receiver) = mpsc::sync_channel(0);
        plain(move || {
            let _receiver = &receiver;
            let _refused_while_unwinding = sender.send(1);
        })
    }),
    row("sync::Receiver::recv", Infallible, |_| {
        let (sender, receiver) = mpsc::channel::<u8>();
        plain(move || {
            let _sender = &sender;
            let _refused_while_unwinding = receiver.recv();
        })
    }),
    row("sync::Receiver::recv_timeout", Infallible, |_| {
        let (sender, receiver) = mpsc::channel::<u8>();
        plain(move || {
            let _sender = &sender;
            let _refused_while_unwinding = receiver.recv_timeout(LONG);
        })
    }),
    row("sync::Iter::next", Infallible, |_| {
        let (sender, receiver) = mpsc::channel::<u8>();
        plain(move || {
            let _sender = &sender;
            receiver.iter().next();
        })
    }),
    row("sync::IntoIter::next", Infallible, |_| {
        let (sender, receiver) = mpsc::channel::<u8>();
        let mut values = receiver.into_iter();
        plain(move || {
            let _sender = &sender;
            values.next();
        })
    }),
];

fn of_put(put: Result<(), PutError<u8>>) -> io::Result<()> {
    match put {
        Err(PutError::Interrupted(_)) => Err(io::Error::other(GetError::Interrupted)),
        other => other.map_err(io::Error::other),
    }
}

fn of_get(got: Result<u8, GetError>) -> io::Result<()> {
    got.map(drop).map_err(io::Error::other)
}
