//! One value a green thread: what one of them sets, no other sees.

#[path = "support/command_line.rs"]
mod command_line;

use std::{cell::Cell, time::Duration};

greenroom::green_local! {
    static REQUEST: Cell<u32> = const { Cell::new(0) };
}

fn handle(request: u32) {
    println!("request {request}: finds {}", REQUEST.get());
    REQUEST.set(request);
    // All three are in their sleep at once, and each has set its own value.
    greenroom::sleep(Duration::from_millis(20));
    println!("request {request}: still {}", REQUEST.get());
}

fn main() {
    command_line::CommandLine::take_nothing("green_local: one value a green thread");
    greenroom::run(|| {
        greenroom::joinall((1..=3).map(|request| greenroom::spawn(move || handle(request))));
        println!("main: finds {}", REQUEST.get());
    });
}
