//! Work for OS threads: `ThreadPoolExecutor` and the futures that it gives.
//!
//! The work here blocks (`std::thread::sleep`), which would stop every green thread; on the executor it
//! stops one of four OS threads, and whoever waits for the result parks.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::executor::{Future, ReturnWhen, ThreadPoolExecutor, as_completed, wait};
use greenroom::sync::Event;
use std::{sync::Arc, thread, time::Duration};

/// The larger the number the sooner it is done.
fn slow_square(number: u64) -> u64 {
    thread::sleep(Duration::from_millis(60 * (4 - number)));
    number * number
}

fn words(numbers: impl IntoIterator<Item = u64>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

fn main() {
    command_line::CommandLine::take_nothing("thread_pool: squares from OS threads, in two orders");
    let pool = ThreadPoolExecutor::new(4);
    let submit = || -> Vec<Future<u64>> { (1..=4).map(|n| pool.submit(move || slow_square(n))).collect() };

    let results = submit().into_iter().map(|future| future.result().expect("it does not fail"));
    println!("in submission order: {}", words(results));
    println!("map: {}", words(pool.map(1..=4, slow_square).map(|square| square.expect("it does not fail"))));
    println!(
        "in completion order: {}",
        words(as_completed(submit()).map(|square| square.expect("it does not fail")))
    );

    let futures = submit();
    let (done, open) = wait(&futures, None, ReturnWhen::FirstCompleted);
    println!("first completed: {done:?}, not yet: {open:?}");
    let (done, open) = wait(&futures, None, ReturnWhen::AllCompleted);
    println!("all completed: {} done, {} not yet", done.len(), open.len());

    let called = Arc::new(Event::new());
    let tell = {
        let called = called.clone();
        move || called.set()
    };
    pool.submit(|| slow_square(4)).add_done_callback(move |square| {
        println!("called back with {}", square.expect("it does not fail"));
        tell();
    });
    called.wait();

    let failed = pool.submit(|| -> u64 { std::panic::resume_unwind(Box::new("no square today")) }).result();
    println!("a job that fails: {}", failed.unwrap_err().message());
    pool.shutdown(true);
    println!("refused after shutdown: {}", pool.submit(|| 1).result().unwrap_err().is_refused());
}
