//! A small Redis: ten commands, one OS thread, a green thread for each client.
//!
//! As in Redis itself, no command can see another half done, and there is no lock: a command does not park. A client
//! may send many requests at once (pipelining); what has arrived together is answered together, by one write.
//! `redis-cli` and `redis-benchmark` talk to it.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "redis/commands.rs"]
mod commands;
#[path = "support/descriptor_limit.rs"]
mod descriptor_limit;
#[path = "redis/resp.rs"]
mod resp;
#[path = "support/serving.rs"]
mod serving;
#[path = "support/stop_signals.rs"]
mod stop_signals;
#[path = "support/stop_switch.rs"]
mod stop_switch;
#[path = "redis/store.rs"]
mod store;

use greenroom::net::{Shutdown, TcpStream};
use greenroom::time::{Duration, Instant, Interval};
use greenroom::{thread, yield_now};
use resp::RequestParser;
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::{process::ExitCode, rc::Rc};
use store::Store;

const USAGE: &str = "\
redis_like [ADDRESS]

Serves ten commands of Redis: PING ECHO SET GET DEL EXISTS INCR EXPIRE TTL LPUSH LRANGE.
  ADDRESS   where to listen, 127.0.0.1:9090 by default; port 0 picks a free one
SIGINT and SIGTERM end it in order.";

/// Room for what arrives at once and for what goes out at once; more only while one request or reply needs it.
const ROOM: usize = 16 << 10;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let address = line.address().unwrap_or_else(|| "127.0.0.1:9090".into());
    line.end();
    line.conclude(greenroom::run(|| serve(&address)))
}

fn serve(address: &str) -> io::Result<()> {
    descriptor_limit::raise()?;
    let listener = serving::listen(address)?;
    let switch = stop_switch::StopSwitch::new(&listener)?;
    stop_signals::on_each(move || switch.pull())?;
    println!("listening on {}", listener.local_addr()?);
    let store = Rc::new(RefCell::new(Store::default()));
    let swept = Rc::clone(&store);
    thread::Builder::new().name("sweeper").daemon(true).spawn(move || sweep(&swept))?;
    serving::serve(&listener, move |stream| session(stream, &store))
}

/// Removes what nobody asks for any more, a little at a time, for everybody waits meanwhile.
fn sweep(store: &RefCell<Store>) {
    let mut second = Interval::new(Duration::from_secs(1));
    loop {
        second.tick();
        while !store.borrow_mut().sweep(Instant::now(), 100) {
            yield_now();
        }
    }
}

fn session(mut stream: &TcpStream, store: &RefCell<Store>) -> io::Result<()> {
    // Clients of Redis keep connections that they do not use for long.
    stream.set_read_timeout(None)?;
    let (mut parser, mut output) = (RequestParser::default(), Vec::with_capacity(ROOM));
    let (mut input, mut filled) = (vec![0; ROOM], 0);
    loop {
        let got = stream.read(&mut input[filled..])?;
        if got == 0 {
            return Ok(());
        }
        filled += got;

        let now = Instant::now();
        let mut taken = 0;
        loop {
            match parser.next(&input[taken..filled]) {
                Ok(Some(request)) => {
                    taken += request.length();
                    commands::execute(&mut store.borrow_mut(), request, now, &mut output);
                }
                Ok(None) => break,
                Err(error) => {
                    resp::put_error(format_args!("ERR {error}"), &mut output);
                    stream.write_all(&output)?;
                    return hang_up(stream);
                }
            }
            if output.len() >= ROOM {
                send(stream, &mut output)?;
            }
        }
        send(stream, &mut output)?;

        input.copy_within(taken..filled, 0);
        filled -= taken;
        if filled == input.len() {
            input.resize(2 * filled, 0);
        } else if filled < ROOM && input.len() > ROOM {
            input.truncate(ROOM);
            input.shrink_to_fit();
        }
    }
}

fn send(mut stream: &TcpStream, output: &mut Vec<u8>) -> io::Result<()> {
    if !output.is_empty() {
        stream.write_all(output)?;
        output.clear();
        output.shrink_to(ROOM);
    }
    Ok(())
}

/// Ends a conversation by our own will. Who closes a socket with unread bytes in it resets the connection, and the
/// last words are lost on the way: so first the client is heard out, for a little while.
fn hang_up(stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    io::copy(&mut stream.take(1 << 20), &mut io::sink()).map(drop)
}
