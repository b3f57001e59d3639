//! Three cooks and two eaters share a queue, and each bun is eaten once.
//!
//! The eaters must learn that no bun will come any more. First time: a `None` for each of them, put by
//! whoever knows that the cooks are done. Second time: `close`, which needs no count of the eaters.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::queue::Queue;
use greenroom::{JoinHandle, joinall, sleep, spawn};
use std::time::Duration;

const COOKS: u32 = 3;
const EATERS: u32 = 2;
const BUNS_OF_EACH: u32 = 4;

/// The cooks, at work; a bun is known by its number.
fn cooks<T: 'static>(counter: &Queue<T>, wrap: fn(u32) -> T) -> Vec<JoinHandle<()>> {
    let cook = |cook: u32| {
        let counter = counter.clone();
        spawn(move || {
            for nth in 0..BUNS_OF_EACH {
                let bun = cook * BUNS_OF_EACH + nth;
                println!("cook {cook} makes bun {bun}");
                counter.put(wrap(bun)).expect("nobody closes the counter before the cooks are done");
                sleep(Duration::from_millis(2));
            }
        })
    };
    (0..COOKS).map(cook).collect()
}

/// An eater, who eats what `buns` gives until it ends.
fn eater(eater: u32, buns: impl Iterator<Item = u32>) -> Vec<u32> {
    buns.inspect(|bun| println!("eater {eater} eats bun {bun}")).collect()
}

fn ended_by_sentinels() -> Vec<JoinHandle<Vec<u32>>> {
    let counter: Queue<Option<u32>> = Queue::bounded(4);
    let buns = |counter: Queue<Option<u32>>| std::iter::from_fn(move || counter.get().ok().flatten());
    let eat = |n| {
        spawn({
            let buns = buns(counter.clone());
            move || eater(n, buns)
        })
    };
    let eaters = (0..EATERS).map(eat).collect();
    joinall(cooks(&counter, Some));
    (0..EATERS).for_each(|_| counter.put(None).expect("the counter is open"));
    eaters
}

fn ended_by_close() -> Vec<JoinHandle<Vec<u32>>> {
    let counter: Queue<u32> = Queue::bounded(4);
    let eat = |n| {
        spawn({
            let counter = counter.clone();
            move || eater(n, counter.iter())
        })
    };
    let eaters = (0..EATERS).map(eat).collect();
    joinall(cooks(&counter, |bun| bun));
    counter.close();
    eaters
}

fn main() {
    command_line::CommandLine::take_nothing("producer_consumer: three cooks, two eaters, ended in two ways");
    for (way, kitchen) in [("sentinels", ended_by_sentinels as fn() -> _), ("close", ended_by_close)] {
        let mut eaten: Vec<u32> =
            joinall(kitchen()).into_iter().flat_map(|all| all.expect("no eater fails")).collect();
        eaten.sort();
        assert_eq!(eaten, Vec::from_iter(0..COOKS * BUNS_OF_EACH));
        println!("{way}: {} buns, each eaten once", eaten.len());
    }
}
