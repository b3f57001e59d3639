//! `greenroom::sync::mpsc`: std's channels.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::time::Duration;

use greenroom::sync::mpsc::{
    RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError, channel, sync_channel,
};
use greenroom::{sleep, spawn, timeout, yield_now};

use crate::support::{self, OnDrop, Tally, ms};

#[test]
fn values_come_in_order_from_many_senders() {
    support::hub(|| {
        let (sender, receiver) = channel();
        for n in 0..3 {
            let sender = sender.clone();
            spawn(move || (0..3).for_each(|i| sender.send(10 * n + i).unwrap()));
        }
        drop(sender);
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2, 10, 11, 12, 20, 21, 22]);
        assert_eq!(receiver.recv(), Err(RecvError));
        assert_eq!(receiver.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn what_was_sent_before_the_last_sender_went_arrives() {
    support::hub(|| {
        let (sender, receiver) = channel();
        let waiting = spawn(move || receiver.into_iter().collect::<Vec<_>>());
        yield_now();
        let other = sender.clone();
        sender.send(1).unwrap();
        drop(sender);
        other.send(2).unwrap();
        drop(other);
        assert_eq!(waiting.join().unwrap(), [1, 2]);
    });
}

#[test]
fn a_bound_holds_senders_up_and_zero_is_a_rendezvous() {
    support::hub(|| {
        let (sender, receiver) = sync_channel(1);
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
        let waiting = spawn(move || sender.send(3));
        yield_now();
        assert!(!waiting.is_finished());
        assert_eq!((receiver.recv(), receiver.try_recv()), (Ok(1), Ok(3)));
        assert_eq!(waiting.join().unwrap(), Ok(()));

        let (sender, receiver) = sync_channel(0);
        assert_eq!(sender.try_send(1), Err(TrySendError::Full(1)));
        let waiting = spawn(move || receiver.recv());
        yield_now();
        assert_eq!(sender.try_send(2), Ok(()));
        assert_eq!(waiting.join().unwrap(), Ok(2));
        assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    });
}

#[test]
fn a_receiver_that_goes_drops_what_it_did_not_take_and_gives_waiting_values_back() {
    support::hub(|| {
        let tally = Tally::new();
        let (sender, receiver) = sync_channel(2);
        sender.send(tally.one()).unwrap_or_else(|_| panic!("room"));
        sender.send(tally.one()).unwrap_or_else(|_| panic!("room"));
        let waiting = spawn({
            let (sender, value) = (sender.clone(), tally.one());
            move || sender.send(value).is_err()
        });
        yield_now();
        drop(receiver);
        assert_eq!(tally.alive(), 1);
        assert!(waiting.join().unwrap());
        assert!(sender.send(tally.one()).is_err());
        assert_eq!(tally.alive(), 0);
    });
}

#[test]
fn a_value_that_sends_on_its_own_channel_as_it_is_dropped_is_told_that_it_is_closed() {
    struct Sends(Option<greenroom::sync::mpsc::Sender<Sends>>, Rc<RefCell<u32>>);
    impl Drop for Sends {
        fn drop(&mut self) {
            if let Some(sender) = self.0.take() {
                assert!(sender.send(Sends(None, self.1.clone())).is_err());
                *self.1.borrow_mut() += 1;
            }
        }
    }
    support::hub(|| {
        let dropped = Rc::default();
        let (sender, receiver) = channel();
        for _ in 0..3 {
            assert!(sender.send(Sends(Some(sender.clone()), Rc::clone(&dropped))).is_ok());
        }
        drop(sender);
        drop(receiver);
        assert_eq!(*dropped.borrow(), 3);
    });
}

#[test]
fn the_tries_and_the_limits_say_what_std_says() {
    support::virtual_hub(|| {
        let (sender, receiver) = channel();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(receiver.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        assert_eq!(receiver.recv_timeout(ms(2)), Err(RecvTimeoutError::Timeout));
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1, 2]);
        let texts = (SendError(1).to_string(), RecvError.to_string());
        assert_eq!(texts, ("sending on a closed channel".into(), "receiving on a closed channel".into()));
        let error: Box<dyn Error> = Box::new(TrySendError::from(SendError(1)));
        assert!(error.to_string().contains("closed"));
        let shown = format!("{sender:?} {receiver:?} {:?}", receiver.iter());
        assert!(shown.starts_with("Sender { .. } Receiver { .. }"), "{shown}");
    });
}

#[test]
fn a_cancel_ends_no_wait_and_an_expiry_unwinds_it() {
    support::virtual_hub(|| {
        let (sender, receiver) = channel();
        let waiting = spawn(move || receiver.recv());
        yield_now();
        waiting.cancel();
        sleep(ms(1));
        assert!(!waiting.is_finished());
        sender.send(1).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(1));
        let (sender, receiver) = channel::<u8>();
        assert!(timeout(ms(1), || receiver.recv()).is_err());
        sender.send(1).unwrap();
        assert_eq!(receiver.recv(), Ok(1));
    });
}

#[test]
fn a_value_handed_to_a_receiver_that_is_unwound_is_there_for_the_next_call() {
    support::hub(|| {
        let (sender, receiver) = channel();
        let receiver = Rc::new(receiver);
        let victim = spawn({
            let receiver = receiver.clone();
            move || receiver.recv().map_or((), drop)
        });
        yield_now();
        victim.kill();
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        drop(victim.join());
        assert_eq!((receiver.recv(), receiver.recv()), (Ok(1), Ok(2)));
    });
}

#[test]
fn who_unwinds_is_told_at_once_that_nothing_comes() {
    support::virtual_hub(|| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let victim = spawn({
            let seen = seen.clone();
            move || {
                let (sender, receiver) = sync_channel(1);
                let _on_drop = OnDrop(move || {
                    let mut seen = seen.borrow_mut();
                    seen.push(format!("{:?}", receiver.recv()));
                    seen.push(format!("{:?}", receiver.recv_timeout(Duration::MAX)));
                    seen.push(format!("{:?}", sender.send(1).is_ok()));
                    seen.push(format!("{:?}", sender.send(2).is_ok()));
                });
                sleep(ms(60_000));
            }
        });
        yield_now();
        victim.kill();
        drop(victim.join());
        assert_eq!(*seen.borrow(), ["Err(RecvError)", "Err(Timeout)", "true", "false"]);
    });
}

#[test]
fn channels_lead_from_os_thread_to_os_thread() {
    support::watch(|| {
        let (sender, receiver) = sync_channel(3);
        let far: Vec<_> = (0..3)
            .map(|_| {
                let sender = sender.clone();
                std::thread::spawn(move || (0..300).for_each(|n| sender.send(n).unwrap()))
            })
            .collect();
        drop(sender);
        let sum: u32 = greenroom::run(|| receiver.iter().sum());
        assert_eq!(sum, 3 * (0..300).sum::<u32>());
        far.into_iter().for_each(|far| far.join().unwrap());
    });
}
