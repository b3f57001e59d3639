//! The calls of std and of libc, in green threads.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

#[test]
fn sleeps_of_std_overlap() {
    greenroom::monkey::patch_all();
    let before = Instant::now();
    greenroom::run(|| {
        let sleepers = (0..4).map(|_| greenroom::spawn(|| std::thread::sleep(Duration::from_millis(100))));
        greenroom::joinall(sleepers).into_iter().for_each(|ended| ended.unwrap());
    });
    assert!((100..190).contains(&before.elapsed().as_millis()), "{:?}", before.elapsed());
}

#[test]
fn two_ends_of_a_connection_share_one_os_thread() {
    greenroom::monkey::patch_all();
    greenroom::run(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let echo = greenroom::spawn(move || {
            let mut buffer = [0; 64];
            for _ in 0..100 {
                let got = server.read(&mut buffer).unwrap();
                server.write_all(&buffer[..got]).unwrap();
            }
        });
        for _ in 0..100 {
            client.write_all(b"hello").unwrap();
            client.read_exact(&mut [0; 5]).unwrap();
        }
        echo.join().unwrap();
    });
}
