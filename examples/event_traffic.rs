//! Two uses of an event: cars that wait for green, and a client that waits until its server is up.
//!
//! `set` lets go of everybody who waits and of whoever comes later, until `clear`. `wait_timeout` says
//! whether the event came or the time was up.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::Event;
use greenroom::thread::Builder;
use greenroom::{joinall, sleep, spawn};
use std::time::Duration;

static GREEN: Event = Event::new();
static SERVER_UP: Event = Event::new();

const PHASE: Duration = Duration::from_millis(60);
const RETRY: Duration = Duration::from_millis(40);

fn light() {
    loop {
        println!("light: red");
        GREEN.clear();
        sleep(PHASE);
        println!("light: green");
        GREEN.set();
        sleep(PHASE);
    }
}

fn car(number: u32) {
    sleep(Duration::from_millis(25) * number);
    if !GREEN.is_set() {
        println!("car {number}: waits");
        GREEN.wait();
    }
    println!("car {number}: passes");
}

fn server() {
    sleep(Duration::from_millis(100));
    println!("server: up");
    SERVER_UP.set();
}

fn client() {
    let mut tries = 0;
    while !SERVER_UP.wait_timeout(RETRY) {
        tries += 1;
        println!("client: no answer to try {tries}");
    }
    println!("client: connected");
}

fn main() {
    command_line::CommandLine::take_nothing("event_traffic: cars at a light, a client that retries");
    greenroom::run(|| {
        Builder::new().daemon(true).spawn(light).expect("room for a light");
        joinall((1..=8).map(|number| spawn(move || car(number))));
    });
    greenroom::run(|| joinall([spawn(client), spawn(server)]));
}
