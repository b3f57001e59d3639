//! Two bare greenlets switch to each other by hand.
//!
//! A switch is all there is: no hub, so nothing else runs while one of them sleeps, and the four sleeps of
//! a second take four seconds. `eat_play` does the same under the hub, which hides the waiting.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::greenlet::Greenlet;
use std::{cell::OnceCell, rc::Rc, thread::sleep, time::Duration};

const SECOND: Duration = Duration::from_secs(1);

fn main() {
    command_line::CommandLine::take_nothing("eat_play_switch: two greenlets switch by hand, about 4 s");

    // Each must know the other, and one of the two is made first.
    let play: Rc<OnceCell<Greenlet>> = Rc::default();
    let eat = Greenlet::new({
        let play = Rc::clone(&play);
        move |()| {
            let play = play.get().expect("made before eat is switched to");
            println!("eat");
            sleep(SECOND);
            play.switch(());
            println!("eat done");
            sleep(SECOND);
            play.switch(());
        }
    });
    play.get_or_init(|| {
        let eat = eat.clone();
        Greenlet::new(move |()| {
            println!("play");
            sleep(SECOND);
            eat.switch(());
            println!("play done");
            sleep(SECOND);
            // The end of a greenlet goes to its parent: to `main`, which made it.
        })
    });
    eat.switch(());
}
