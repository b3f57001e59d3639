//! A timer runs its function in a green thread after a while, once, unless it is cancelled first.

#[path = "support/command_line.rs"]
mod command_line;

use greenroom::time::Timer;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(100);

fn main() {
    command_line::CommandLine::take_nothing("timer: one that fires and one that is cancelled");
    greenroom::run(|| {
        let tea = Timer::new(SOON, || println!("the tea is ready"));
        let alarm = Timer::new(SOON, || println!("never printed"));
        println!("two timers are set");
        println!("the alarm is cancelled in time: {}", alarm.cancel());

        greenroom::wait(&[&tea], None, None);
        println!("the tea can still be cancelled: {}", tea.cancel());
        tea.join();
        alarm.join();
    });
}
