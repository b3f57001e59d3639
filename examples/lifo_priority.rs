//! Two queues with an order of their own: last in first out, and the smallest first.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::queue::{LifoQueue, PriorityQueue};

fn main() {
    command_line::CommandLine::take_nothing("lifo_priority: last in first out; VIPs before the others");

    let stack = LifoQueue::unbounded();
    for plate in ["first", "second", "third"] {
        stack.put(plate).expect("it is open");
    }
    while let Ok(plate) = stack.try_get() {
        println!("plate: {plate}");
    }

    // Pairs are compared by their first part first; equal pairs keep their order.
    let door = PriorityQueue::unbounded();
    for guest in [(10, "ordinary A"), (1, "VIP"), (10, "ordinary B"), (5, "member")] {
        door.put(guest).expect("it is open");
    }
    door.close();
    for (priority, guest) in &door {
        println!("guest: {guest} ({priority})");
    }
}
