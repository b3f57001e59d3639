//! What the example servers have to offer: a few pages that show, and let tests see, each way to answer.

use super::exchange::Exchange;
use super::request::Request;
use greenroom::time::Duration;
use std::io::{self, Read, Write};

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
/// The longest that `/bytes` and `/stream` give, and that `/sleep` sleeps.
const MOST: u64 = 1 << 30;
const LONGEST: u64 = 60_000;

/// Answers one request.
pub(crate) fn answer(request: &Request<'_>, exchange: &mut Exchange<'_>) -> io::Result<()> {
    let (page, number) = match request.path().rsplit_once('/') {
        Some((page @ ("/bytes" | "/stream" | "/sleep"), number)) => (page, number.parse().ok()),
        _ => (request.path(), None::<u64>),
    };
    match (request.method, page, number) {
        ("GET" | "HEAD", "/", _) => exchange.answer(200, TEXT, b"hello, world\n"),
        ("GET" | "HEAD", "/bytes", Some(count @ 0..=MOST)) => {
            exchange.begin(200, BYTES, Some(count), &[])?;
            pour(exchange, count)
        }
        ("GET" | "HEAD", "/stream", Some(count @ 0..=MOST)) => {
            exchange.begin(200, BYTES, None, &[])?;
            pour(exchange, count)
        }
        ("GET" | "HEAD", "/sleep", Some(millis @ 0..=LONGEST)) => {
            greenroom::sleep(Duration::from_millis(millis));
            exchange.answer(200, TEXT, b"awake\n")
        }
        ("POST" | "PUT", "/echo", _) => echo(exchange),
        ("POST" | "PUT", "/count", _) => {
            let count = io::copy(exchange, &mut io::sink())?;
            exchange.answer(200, TEXT, format!("{count}\n").as_bytes())
        }
        ("GET" | "HEAD", "/empty", _) => exchange.begin(204, TEXT, Some(0), &[]),
        ("OPTIONS", "*", _) => exchange.begin(204, TEXT, Some(0), &["allow: GET, HEAD, POST, PUT, OPTIONS"]),
        (_, "/" | "/bytes" | "/stream" | "/sleep" | "/empty", _) => refuse(exchange, "allow: GET, HEAD"),
        (_, "/echo" | "/count", _) => refuse(exchange, "allow: POST, PUT"),
        _ => exchange.answer(404, TEXT, b"there is nothing here\n"),
    }
}

fn refuse(exchange: &mut Exchange<'_>, allowed: &str) -> io::Result<()> {
    let text = b"not this way\n";
    exchange.begin(405, TEXT, Some(text.len() as u64), &[allowed])?;
    exchange.write_all(text)
}

fn pour(exchange: &mut Exchange<'_>, count: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(b'x').take(count), exchange).map(drop)
}

/// Sends the body back, chunk by chunk, while it comes in.
fn echo(exchange: &mut Exchange<'_>) -> io::Result<()> {
    let mut piece = [0; 8 << 10];
    let mut got = exchange.read(&mut piece)?;
    exchange.begin(200, BYTES, None, &[])?;
    while got > 0 {
        exchange.write_all(&piece[..got])?;
        got = exchange.read(&mut piece)?;
    }
    Ok(())
}
