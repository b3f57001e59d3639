//! A deadlock, how it is reported, and two cures.
//!
//! Two eat noodles with one fork. One takes the fork first, the other the bowl, and each waits for what the other has: the
//! root learns of it by a panic whose text says who waits for what. If both take the fork first, both eat; and so they do if
//! each gives up after a while, and puts down what it has.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::sync::Mutex;
use greenroom::thread::Builder;
use greenroom::{JoinHandle, sleep};
use std::{panic, rc::Rc, time::Duration};

struct Table {
    fork: Mutex<()>,
    bowl: Mutex<()>,
}

/// A moment in which the other one comes to the table.
const REACH: Duration = Duration::from_millis(10);

#[track_caller]
fn guest(name: &'static str, eat: impl FnOnce() + 'static) -> JoinHandle<()> {
    let eat = move || {
        eat();
        println!("{name} has eaten");
    };
    Builder::new().name(name).spawn(eat).expect("room for two green threads")
}

/// Takes one, then the other.
#[track_caller]
fn take_both(first: &Mutex<()>, second: &Mutex<()>) {
    let _first = first.lock();
    sleep(REACH);
    let _second = second.lock();
}

/// As [`take_both`], but waits for the other one only for `patience`, and then begins anew.
fn try_both(first: &Mutex<()>, second: &Mutex<()>, patience: Duration) {
    loop {
        let _first = first.lock();
        sleep(REACH);
        if second.lock_timeout(patience).is_some() {
            return;
        }
    }
}

/// Both at one table, until both have eaten.
fn dinner(ann: impl FnOnce(&Table) + 'static, bob: impl FnOnce(&Table) + 'static) {
    let table = Rc::new(Table { fork: Mutex::new(()), bowl: Mutex::new(()) });
    let same_table = Rc::clone(&table);
    let ann = guest("Ann", move || ann(&table));
    let bob = guest("Bob", move || bob(&same_table));
    greenroom::joinall([ann, bob]);
}

fn main() {
    command_line::CommandLine::take_nothing("deadlock: two locks in opposite order, and what helps");
    println!("opposite order:");
    let fork_first = |table: &Table| take_both(&table.fork, &table.bowl);
    let bowl_first = |table: &Table| take_both(&table.bowl, &table.fork);
    let nobody_eats = panic::catch_unwind(|| greenroom::run(|| dinner(fork_first, bowl_first)));
    let payload = nobody_eats.expect_err("a deadlock");
    println!("{}", payload.downcast_ref::<String>().expect("the report"));

    println!("the same order:");
    greenroom::run(|| dinner(fork_first, fork_first));

    println!("with patience:");
    let ann = |table: &Table| try_both(&table.fork, &table.bowl, REACH / 2);
    let bob = |table: &Table| try_both(&table.bowl, &table.fork, REACH * 5);
    greenroom::run(|| dinner(ann, bob));
}
