//! Report and self-test.

use greenroom::monkey;

use super::patched;
use crate::support;

#[test]
fn the_self_test_holds_wherever_it_is_called() {
    monkey::patch_all();
    support::watch(|| {
        monkey::self_test().unwrap();
        greenroom::run(|| {
            monkey::self_test().unwrap();
            greenroom::spawn(|| monkey::self_test().unwrap()).join().unwrap();
        });
    });
}

#[test]
fn the_report_counts_what_green_threads_call() {
    patched(|| {
        let hits = |name: &str| -> u64 {
            let report = monkey::report().to_string();
            let line =
                report.lines().find(|line| line.split(' ').next() == Some(name)).expect("a line a call");
            assert_eq!(line.matches("here").count(), 2, "{line}");
            line.rsplit(' ').next().unwrap().parse().unwrap()
        };
        let before = [hits("recv"), hits("send"), hits("clock_nanosleep")];
        let (mut near, mut far) = super::tcp();
        use std::io::{Read, Write};
        near.write_all(b"x").unwrap();
        far.read_exact(&mut [0]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1));
        assert_eq!([hits("recv"), hits("send"), hits("clock_nanosleep")], before.map(|count| count + 1));
        assert!(format!("{:?}", monkey::report()).contains("recv"));
    });
}
