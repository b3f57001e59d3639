//! `yield` as an expression: what `send` brings is what `yield_` returns.
//!
//! Python's generators in the same words. `send(None)` primes a consumer, that is runs it to its first
//! `yield_`, as `next(consumer)` does there.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::generator::{Generator, Resumed, Yielder};

/// Hands out how much it has eaten so far, and takes the next dish.
fn eater() -> Generator<u32, &'static str> {
    Generator::new(|plate: &Yielder<u32, &'static str>, mut dish| {
        for eaten in 1.. {
            println!("eat {dish}");
            dish = plate.yield_(eaten);
        }
    })
}

/// Takes numbers until there are no more, and returns their sum.
fn consumer() -> Generator<(), Option<u32>, u32> {
    Generator::new(|input: &Yielder<(), Option<u32>>, _primed| {
        println!("consumer: ready");
        let mut sum = 0;
        while let Some(number) = input.yield_(()) {
            println!("consumer: got {number}");
            sum += number;
        }
        sum
    })
}

fn producer(consumer: &mut Generator<(), Option<u32>, u32>) {
    consumer.send(None);
    for number in 0..10 {
        println!("producer: sends {number}");
        consumer.send(Some(number));
    }
}

fn main() {
    command_line::CommandLine::take_nothing(
        "generator_send: a generator that takes values, and a producer that feeds one",
    );

    let mut eater = eater();
    for dish in ["noodles", "dumplings", "rice"] {
        if let Resumed::Yielded(eaten) = eater.send(dish) {
            println!("{eaten} eaten");
        }
    }

    let mut consumer = consumer();
    producer(&mut consumer);
    if let Resumed::Returned(sum) = consumer.send(None) {
        println!("consumer: sum {sum}");
    }
}
