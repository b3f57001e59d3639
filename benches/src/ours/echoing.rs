//! One connection, both its ends on one hub: a word there and back again.

use greenroom::net::{TcpListener, TcpStream};
use std::{
    io::{Read, Write},
    net::Ipv4Addr,
    time::{Duration, Instant},
};

const WORD: [u8; 64] = [b'x'; 64];

/// Round trips, of a read and a write at either end.
pub(crate) fn round_trips(n: u64) -> Duration {
    greenroom::run(|| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let mut near = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (mut far, _) = listener.accept().expect("its other end");
        for end in [&near, &far] {
            end.set_nodelay(true).expect("an option");
        }
        let echo = greenroom::spawn(move || {
            let mut room = [0; 1024];
            while let Ok(got @ 1..) = far.read(&mut room) {
                far.write_all(&room[..got]).expect("a listener");
            }
        });
        let start = Instant::now();
        let mut answer = WORD;
        for _ in 0..n {
            near.write_all(&WORD).expect("an end that reads");
            near.read_exact(&mut answer).expect("an end that answers");
        }
        let took = start.elapsed();
        drop(near);
        echo.join().expect("it does not panic");
        took
    })
}
