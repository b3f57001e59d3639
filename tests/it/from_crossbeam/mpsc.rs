//! `greenroom::sync::mpsc`; crossbeam-channel's `tests/mpsc.rs` (std's own), modules `channel_tests` and `sync_channel_tests`.
//!
//! Those are the same cases twice, so most run here for each [`KINDS`]. Its iterations are in [`iter`](super::iter).
//! It is long as its source is: one file of the lender, one here.

mod select;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use greenroom::sync::mpsc::{
    Receiver, RecvError, RecvTimeoutError, SendError, Sender, SyncSender, TryRecvError, TrySendError,
    channel, sync_channel,
};

use super::{A_WHILE, Counts, LONG, Place, Side, Steps, everywhere, nap};
use crate::support::{self, ms};

/// The bounds of channels: none; by hand; little room; much.
const KINDS: [Option<usize>; 4] = [None, Some(0), Some(1), Some(100)];
/// Those that hold something.
const WITH_ROOM: [Option<usize>; 3] = [None, Some(1), Some(100)];

/// A sender of either kind.
enum AnySender<T> {
    Endless(Sender<T>),
    Bounded(SyncSender<T>),
}

impl<T> AnySender<T> {
    fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self {
            AnySender::Endless(sender) => sender.send(value),
            AnySender::Bounded(sender) => sender.send(value),
        }
    }
}

impl<T> Clone for AnySender<T> {
    fn clone(&self) -> AnySender<T> {
        match self {
            AnySender::Endless(sender) => AnySender::Endless(sender.clone()),
            AnySender::Bounded(sender) => AnySender::Bounded(sender.clone()),
        }
    }
}

fn make<T>(bound: Option<usize>) -> (AnySender<T>, Receiver<T>) {
    match bound {
        None => {
            let (sender, receiver) = channel();
            (AnySender::Endless(sender), receiver)
        }
        Some(bound) => {
            let (sender, receiver) = sync_channel(bound);
            (AnySender::Bounded(sender), receiver)
        }
    }
}

/// Runs a case for each of the kinds, without another side.
#[track_caller]
fn for_each(kinds: impl IntoIterator<Item = Option<usize>>, case: impl Fn(Option<usize>)) {
    support::hub(|| kinds.into_iter().for_each(&case));
}

/// Runs a case for each kind, with its other side in each place.
#[track_caller]
fn for_each_everywhere(case: impl Fn(Place, Option<usize>)) {
    everywhere(|place| KINDS.into_iter().for_each(|kind| case(place, kind)));
}

// ---- one side ----

/// smoke
#[test]
fn what_is_sent_is_received() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        sender.send(1).unwrap();
        assert_eq!(receiver.recv(), Ok(1));
    });
}

/// drop_full, drop_full_shared
#[test]
fn what_is_held_is_dropped_with_the_channel_whichever_side_goes_first() {
    for_each(WITH_ROOM, |kind| {
        for receiver_first in [true, false] {
            let dropped = Arc::new(AtomicUsize::new(0));
            let (sender, receiver) = make(kind);
            drop(sender.clone());
            assert!(sender.send(Counts(dropped.clone())).is_ok());
            if receiver_first {
                drop(receiver);
                assert_eq!(dropped.load(SeqCst), 1);
                drop(sender);
            } else {
                drop(sender);
                assert_eq!(dropped.load(SeqCst), 0);
                drop(receiver);
            }
            assert_eq!(dropped.load(SeqCst), 1);
        }
    });
}

/// smoke_shared
#[test]
fn a_clone_of_the_sender_sends_as_well() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        sender.send(1).unwrap();
        assert_eq!(receiver.recv(), Ok(1));
        sender.clone().send(2).unwrap();
        assert_eq!(receiver.recv(), Ok(2));
    });
}

/// smoke_port_gone, smoke_shared_port_gone, smoke_shared_port_gone2, oneshot_single_thread_try_send_closed
#[test]
fn nothing_is_sent_when_the_receiver_is_gone() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make(kind);
        drop(receiver);
        assert_eq!(sender.send(1), Err(SendError(1)));
        let clone = sender.clone();
        drop(sender);
        assert_eq!(clone.send(2), Err(SendError(2)));
    });
}

/// oneshot_single_thread_send_port_close
#[test]
fn a_value_that_was_not_sent_comes_back_and_is_dropped_once() {
    for_each(KINDS, |kind| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = make(kind);
        drop(receiver);
        let back = sender.send(Counts(dropped.clone())).err();
        assert_eq!((back.is_some(), dropped.load(SeqCst)), (true, 0));
        drop(back);
        assert_eq!(dropped.load(SeqCst), 1);
    });
}

/// smoke_chan_gone, oneshot_single_thread_recv_chan_close, oneshot_single_thread_try_recv_closed
#[test]
fn nothing_is_received_when_the_sender_is_gone() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make::<i32>(kind);
        drop(sender);
        assert_eq!(receiver.recv(), Err(RecvError));
        assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    });
}

/// smoke_chan_gone_shared
#[test]
fn the_sender_is_gone_when_its_last_clone_is() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make::<i32>(kind);
        let clone = sender.clone();
        drop(sender);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        drop(clone);
        assert_eq!(receiver.recv(), Err(RecvError));
    });
}

/// oneshot_single_thread_close_port_first, oneshot_single_thread_close_chan_first
#[test]
fn a_channel_that_nobody_used_may_lose_either_side_first() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make::<i32>(kind);
        drop(receiver);
        drop(sender);
        let (sender, receiver) = make::<i32>(kind);
        drop(sender);
        drop(receiver);
    });
}

/// oneshot_single_thread_send_then_recv
#[test]
fn a_box_arrives_as_it_was() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        let value = Box::new(10);
        let place: *const i32 = &*value;
        sender.send(value).unwrap();
        let value = receiver.recv().unwrap();
        assert_eq!((*value, &*value as *const i32), (10, place));
    });
}

/// oneshot_single_thread_peek_data, oneshot_single_thread_peek_open
#[test]
fn try_recv_tells_an_empty_channel_and_takes_a_value() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        sender.send(10).unwrap();
        assert_eq!(receiver.try_recv(), Ok(10));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    });
}

/// oneshot_single_thread_peek_close
#[test]
fn try_recv_tells_the_end_again_and_again() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make::<i32>(kind);
        drop(sender);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

/// oneshot_single_thread_try_recv_closed_with_data
#[test]
fn try_recv_takes_what_is_left_before_it_tells_the_end() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        sender.send(10).unwrap();
        drop(sender);
        assert_eq!(receiver.try_recv(), Ok(10));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

/// oneshot_single_thread_recv_timeout
#[test]
fn recv_timeout_takes_what_is_there_and_else_waits_in_vain() {
    for_each(WITH_ROOM, |kind| {
        let (sender, receiver) = make(kind);
        sender.send(()).unwrap();
        assert_eq!(receiver.recv_timeout(ms(1)), Ok(()));
        assert_eq!(receiver.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
        sender.send(()).unwrap();
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Ok(()));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
    });
}

/// recv_timeout_upgrade
#[test]
fn recv_timeout_waits_its_time() {
    for_each(KINDS, |kind| {
        let (sender, receiver) = make::<()>(kind);
        let _clone = sender.clone();
        let begun = Instant::now();
        assert_eq!(receiver.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
        assert!(begun.elapsed() >= ms(1));
    });
}

/// recv_a_lot
#[test]
fn a_channel_may_hold_a_lot() {
    for_each([None, Some(5_000)], |kind| {
        let (sender, receiver) = make(kind);
        (0..5_000).for_each(|n| sender.send(n).unwrap());
        (0..5_000).for_each(|n| assert_eq!(receiver.recv(), Ok(n)));
    });
}

/// issue_32114
#[test]
fn a_send_after_a_send_in_vain_is_in_vain_too() {
    for_each(KINDS, |kind| {
        let (sender, _) = make(kind);
        let _ = sender.send(123);
        assert_eq!(sender.send(123), Err(SendError(123)));
    });
}

/// try_send1, try_send2, try_send3
#[test]
fn try_send_tells_a_full_channel_and_one_without_a_receiver() {
    support::hub(|| {
        let (sender, _receiver) = sync_channel(0);
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        let (sender, receiver) = sync_channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
        drop(receiver);
        assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    });
}

// ---- two sides ----

/// smoke_threads
#[test]
fn a_value_from_the_other_side_is_received() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || sender.send(1));
        assert_eq!(receiver.recv(), Ok(1));
        other.join().unwrap();
        assert_eq!(receiver.recv(), Err(RecvError));
    });
}

/// port_gone_concurrent
#[test]
fn a_sender_learns_that_the_receiver_went() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || receiver.recv());
        // An endless channel never lets others go first.
        while sender.send(1).is_ok() {
            super::give_way();
        }
        assert_eq!(other.join(), Ok(1));
    });
}

/// port_gone_concurrent_shared
#[test]
fn all_senders_learn_that_the_receiver_went() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let clone = sender.clone();
        let other = place.go(move || receiver.recv());
        while sender.send(1).is_ok() && clone.send(1).is_ok() {
            super::give_way();
        }
        assert_eq!(other.join(), Ok(1));
        assert_eq!((sender.send(2), clone.send(3)), (Err(SendError(2)), Err(SendError(3))));
    });
}

/// chan_gone_concurrent
#[test]
fn the_receiver_gets_all_and_learns_that_the_sender_went() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || (1..=2).for_each(|n| sender.send(n).unwrap()));
        assert_eq!(std::iter::from_fn(|| receiver.recv().ok()).collect::<Vec<_>>(), [1, 2]);
        other.join();
    });
}

/// stress, recv_from_outside_runtime
#[test]
fn many_values_come_from_the_other_side() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || (0..500).for_each(|n| sender.send(n).unwrap()));
        (0..500).for_each(|n| assert_eq!(receiver.recv(), Ok(n)));
        other.join();
    });
}

/// send_from_outside_runtime
#[test]
fn many_values_go_to_the_other_side() {
    for_each_everywhere(|place, kind| {
        let ((ready, started), (sender, receiver)) = (make(kind), make(kind));
        let other = place.go(move || {
            ready.send(()).unwrap();
            (0..500).for_each(|n| assert_eq!(receiver.recv(), Ok(n)));
        });
        started.recv().unwrap();
        (0..500).for_each(|n| sender.send(n).unwrap());
        other.join();
    });
}

/// no_runtime
#[test]
fn two_os_threads_need_no_hub_for_it() {
    support::watch(|| {
        for kind in KINDS {
            let ((there, there_receiver), (back, back_receiver)) = (make(kind), make(kind));
            let echo = std::thread::spawn(move || {
                assert_eq!(there_receiver.recv(), Ok(1));
                back.send(2).unwrap();
            });
            let caller = std::thread::spawn(move || {
                there.send(1).unwrap();
                assert_eq!(back_receiver.recv(), Ok(2));
            });
            echo.join().unwrap();
            caller.join().unwrap();
        }
    });
}

/// stress_shared
#[test]
fn many_senders_may_share_a_channel() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let others: Vec<_> = (0..8)
            .map(|n| {
                let sender = sender.clone();
                // Half of them here.
                let place = if n % 2 == 0 { Place::Here } else { place };
                place.go(move || (0..50).for_each(|i| sender.send(50 * n + i).unwrap()))
            })
            .collect();
        drop(sender);
        let mut all: Vec<_> = receiver.iter().collect();
        others.into_iter().for_each(Side::join);
        all.sort_unstable();
        assert_eq!(all, (0..400).collect::<Vec<_>>());
    });
}

/// oneshot_multi_task_recv_then_send
#[test]
fn who_waits_is_woken_by_a_value() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || receiver.recv().map(|value: Box<i32>| *value));
        nap(A_WHILE);
        sender.send(Box::new(10)).unwrap();
        assert_eq!(other.join(), Ok(10));
    });
}

/// oneshot_multi_task_recv_then_close
#[test]
fn who_waits_is_woken_by_the_end() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make::<Box<i32>>(kind);
        let other = place.go(move || receiver.recv());
        nap(A_WHILE);
        drop(sender);
        assert_eq!(other.join(), Err(RecvError));
    });
}

/// oneshot_multi_thread_close_stress
#[test]
fn both_sides_may_go_at_once() {
    for_each_everywhere(|place, kind| {
        for _ in 0..10 {
            let (sender, receiver) = make::<i32>(kind);
            let other = place.go(move || drop(receiver));
            drop(sender);
            other.join();
        }
    });
}

/// oneshot_multi_thread_send_close_stress
#[test]
fn a_send_may_race_with_the_end_of_the_receiver() {
    for_each_everywhere(|place, kind| {
        for _ in 0..10 {
            let dropped = Arc::new(AtomicUsize::new(0));
            let (sender, receiver) = make(kind);
            let other = place.go(move || drop(receiver));
            drop(sender.send(Counts(dropped.clone())));
            other.join();
            assert_eq!(dropped.load(SeqCst), 1);
        }
    });
}

/// oneshot_multi_thread_recv_close_stress
#[test]
fn a_recv_may_race_with_the_end_of_the_sender() {
    for_each_everywhere(|place, kind| {
        for _ in 0..10 {
            let (sender, receiver) = make::<i32>(kind);
            let other = place.go(move || drop(sender));
            assert_eq!(receiver.recv(), Err(RecvError));
            other.join();
        }
    });
}

/// oneshot_multi_thread_send_recv_stress
#[test]
fn a_send_may_race_with_a_recv() {
    for_each_everywhere(|place, kind| {
        for n in 0..10 {
            let (sender, receiver) = make(kind);
            let other = place.go(move || sender.send(Box::new(n)));
            assert_eq!(receiver.recv(), Ok(Box::new(n)));
            other.join().unwrap();
        }
    });
}

/// stream_send_recv_stress
#[test]
fn both_sides_may_move_on_after_each_value() {
    fn send(place: Place, sender: AnySender<Box<i32>>, n: i32) {
        if n < 5 {
            let next = place.go(move || {
                sender.send(Box::new(n)).unwrap();
                send(place, sender, n + 1);
            });
            next.join();
        }
    }
    fn receive(receiver: Receiver<Box<i32>>, n: i32) {
        if n < 5 {
            let next = Place::Here.go(move || {
                assert_eq!(receiver.recv(), Ok(Box::new(n)));
                receive(receiver, n + 1);
            });
            next.join();
        }
    }
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let sending = Place::Here.go(move || send(place, sender, 0));
        receive(receiver, 0);
        sending.join();
    });
}

/// stress_recv_timeout_two_threads
#[test]
fn a_receiver_whose_limit_expires_now_and_then_misses_nothing() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let other = place.go(move || {
            for n in 0..10 {
                if n % 2 == 0 {
                    nap(A_WHILE);
                }
                sender.send(n).unwrap();
            }
        });
        let mut received = Vec::new();
        loop {
            match receiver.recv_timeout(Duration::from_micros(300)) {
                Ok(n) => received.push(n),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        assert_eq!(received, (0..10).collect::<Vec<_>>());
        other.join();
    });
}

/// stress_recv_timeout_shared
#[test]
fn a_receiver_with_a_limit_hears_all_of_many_senders() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let others: Vec<_> = (0..10)
            .map(|n| {
                let sender = sender.clone();
                place.go(move || {
                    nap(Duration::from_micros(200 * n));
                    sender.send(n).unwrap();
                })
            })
            .collect();
        drop(sender);
        let mut sum = 0;
        loop {
            match receiver.recv_timeout(Duration::from_micros(150)) {
                Ok(n) => sum += n,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        assert_eq!(sum, 45);
        others.into_iter().for_each(Side::join);
    });
}

/// shared_recv_timeout, shared_chan_stress
#[test]
fn after_all_that_came_a_limited_recv_waits_in_vain_until_there_is_more() {
    for_each_everywhere(|place, kind| {
        let (sender, receiver) = make(kind);
        let others: Vec<_> = (0..5)
            .map(|_| {
                let sender = sender.clone();
                place.go(move || sender.send(()))
            })
            .collect();
        (0..5).for_each(|_| receiver.recv().unwrap());
        assert_eq!(receiver.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
        let more = place.go(move || sender.send(()));
        assert_eq!(receiver.recv_timeout(LONG), Ok(()));
        others.into_iter().chain([more]).for_each(|other| other.join().unwrap());
    });
}

/// recv_timeout (of `sync_channel_tests`)
#[test]
fn a_limited_recv_meets_who_sends_by_hand() {
    everywhere(|place| {
        let (sender, receiver) = sync_channel(0);
        assert_eq!(receiver.recv_timeout(ms(1)), Err(RecvTimeoutError::Timeout));
        let other = place.go(move || {
            nap(A_WHILE);
            sender.send(1)
        });
        assert_eq!(receiver.recv_timeout(LONG), Ok(1));
        other.join().unwrap();
    });
}

/// try_recv_states
#[test]
fn try_recv_tells_each_state_of_the_other_side() {
    for_each_everywhere(|place, kind| {
        let ((values, received), (go_on, told)) = (make(kind), make(kind));
        let steps = Steps::default();
        let other = place.go({
            let steps = steps.clone();
            move || {
                told.recv().unwrap();
                // By hand, it is there as soon as somebody waits to send it.
                steps.reach(1);
                values.send(1).unwrap();
                told.recv().unwrap();
                drop(values);
                steps.reach(2);
            }
        });
        assert_eq!(received.try_recv(), Err(TryRecvError::Empty));
        go_on.send(()).unwrap();
        steps.wait_for(1);
        let came = std::iter::repeat_with(|| received.try_recv()).inspect(|_| super::give_way());
        assert_eq!(came.into_iter().find(Result::is_ok), Some(Ok(1)));
        assert_eq!(received.try_recv(), Err(TryRecvError::Empty));
        go_on.send(()).unwrap();
        steps.wait_for(2);
        assert_eq!(received.try_recv(), Err(TryRecvError::Disconnected));
        other.join();
    });
}

/// destroy_upgraded_shared_port_when_sender_still_active
#[test]
fn the_receiver_may_go_while_a_new_sender_is_there() {
    for_each_everywhere(|place, kind| {
        let ((sender, receiver), (done, ended)) = (make(kind), make(kind));
        let other = place.go(move || {
            receiver.recv().unwrap();
            drop(receiver);
            done.send(()).unwrap();
        });
        nap(A_WHILE);
        let clone = sender.clone();
        drop(sender);
        clone.send(()).unwrap();
        ended.recv().unwrap();
        other.join();
        assert_eq!(clone.send(()), Err(SendError(())));
    });
}

/// send1
#[test]
fn a_send_by_hand_meets_the_receiver() {
    everywhere(|place| {
        let (sender, receiver) = sync_channel(0);
        let other = place.go(move || receiver.recv());
        assert_eq!(sender.send(1), Ok(()));
        assert_eq!(other.join(), Ok(1));
    });
}

/// send2, send3
#[test]
fn a_send_that_waits_has_its_value_back_when_the_receiver_goes() {
    everywhere(|place| {
        for bound in [0, 1] {
            let (sender, receiver) = sync_channel(bound);
            (0..bound).for_each(|n| sender.send(n).unwrap());
            let other = place.go(move || {
                nap(A_WHILE);
                drop(receiver);
            });
            assert_eq!(sender.send(7), Err(SendError(7)));
            other.join();
        }
    });
}

/// send4
#[test]
fn all_who_wait_to_send_have_their_values_back_when_the_receiver_goes() {
    everywhere(|place| {
        let (sender, receiver) = sync_channel(0);
        let others: Vec<_> = (1..=2)
            .map(|n| {
                let sender = sender.clone();
                place.go(move || sender.send(n))
            })
            .collect();
        nap(A_WHILE);
        drop(receiver);
        let back: Vec<_> = others.into_iter().map(|other| other.join().unwrap_err().0).collect();
        assert_eq!(back, [1, 2]);
    });
}

/// issue_15761
#[test]
fn a_value_that_was_only_tried_to_be_sent_wakes_who_waits() {
    everywhere(|place| {
        for _ in 0..50 {
            let ((there, there_receiver), (back, back_receiver)) = (sync_channel(3), sync_channel(3));
            let other = place.go(move || {
                there_receiver.recv().unwrap();
                back.try_send(()).unwrap();
            });
            there.try_send(()).unwrap();
            assert_eq!(back_receiver.recv(), Ok(()));
            other.join();
        }
    });
}
