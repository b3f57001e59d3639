//! Workers: a hub an OS thread, spread connections, panics, and the end of all.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use greenroom::net::TcpListener;
use greenroom::server::{StreamServer, Workers, per_core};
use greenroom::sync::AsyncResult;

use super::echo;
use crate::support::{OnDrop, hub, ms, watch};

/// Workers that tell each client who they are, and the address they share.
fn who_is_who(n: usize) -> (Workers, SocketAddr) {
    let first = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = first.local_addr().unwrap();
    drop(first);
    let (ready, all_ready) = mpsc::channel();
    let workers = per_core(n, move |worker| {
        let listener = TcpListener::builder().reuse_port(true).bind(address).unwrap();
        ready.send(()).unwrap();
        let server = StreamServer::new(listener, move |mut stream, peer| {
            let _ = stream.write_all(&[worker.index as u8]);
            echo(stream, peer);
        });
        server.serve_forever().unwrap();
    });
    (0..n).for_each(|_| all_ready.recv().unwrap());
    (workers, address)
}

#[test]
fn connections_are_spread_over_the_hubs() {
    watch(|| {
        let (workers, address) = who_is_who(3);
        let mut clients: Vec<_> = (0..60).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let servers: HashSet<u8> = clients
            .iter_mut()
            .map(|client| {
                let mut who = [255];
                client.read_exact(&mut who).unwrap();
                who[0]
            })
            .collect();
        assert_eq!(servers, HashSet::from([0, 1, 2]));
        workers.stop();
        assert!(workers.join().iter().all(Result::is_ok));
        assert!(clients.iter_mut().all(|client| !matches!(client.read(&mut [0]), Ok(1))));
        assert!(std::net::TcpStream::connect(address).is_err());
    });
}

#[test]
fn each_knows_which_it_is_and_how_many_there_are() {
    watch(|| {
        let (tell, told) = mpsc::channel();
        let workers = per_core(4, move |worker| {
            tell.send((worker.index, worker.count, std::thread::current().id())).unwrap()
        });
        assert!(workers.join().iter().all(Result::is_ok));
        let mut seen: Vec<_> = told.try_iter().collect();
        seen.sort_by_key(|one| one.0);
        let numbers: Vec<_> = seen.iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(numbers, [(0, 4), (1, 4), (2, 4), (3, 4)]);
        assert_eq!(seen.iter().map(|one| one.2).collect::<HashSet<_>>().len(), 4);
        assert!(per_core(0, |_| ()).join().is_empty());
    });
}

#[test]
fn a_panic_is_reported_by_join_and_ends_nobody_else() {
    watch(|| {
        let served = AsyncResult::new();
        let workers = per_core(3, {
            let served = served.clone();
            move |worker| {
                if worker.index == 1 {
                    // What it has started is killed with its hub, not waited for.
                    greenroom::spawn(greenroom::thread::park);
                    greenroom::yield_now();
                    std::panic::resume_unwind(Box::new("no luck"));
                }
                served.wait();
            }
        });
        std::thread::sleep(ms(20));
        served.set(()).unwrap();
        let ends = workers.join();
        assert!(ends[0].is_ok() && ends[2].is_ok(), "{ends:?}");
        assert_eq!(ends[1].as_ref().unwrap_err().message(), "no luck");
        assert_eq!(workers.join()[1].as_ref().unwrap_err().message(), "no luck", "asked again");
    });
}

#[test]
fn stop_ends_what_is_no_server_too_and_its_destructors_run() {
    watch(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let (ready, all_ready) = mpsc::channel();
        let workers = per_core(2, {
            let dropped = dropped.clone();
            move |_| {
                let _last = OnDrop(|| _ = dropped.fetch_add(1, Ordering::SeqCst));
                let inner = dropped.clone();
                greenroom::spawn(move || {
                    let _last = OnDrop(|| _ = inner.fetch_add(1, Ordering::SeqCst));
                    greenroom::thread::park();
                });
                greenroom::yield_now();
                ready.send(()).unwrap();
                greenroom::thread::park();
            }
        });
        (0..2).for_each(|_| all_ready.recv().unwrap());
        let before = Instant::now();
        workers.stop_within(ms(30));
        assert!(workers.join().iter().all(Result::is_ok));
        assert!(before.elapsed() >= ms(29), "{:?}", before.elapsed());
        assert_eq!(dropped.load(Ordering::SeqCst), 4);
    });
}

#[test]
fn stop_at_any_moment_of_the_start_and_twice() {
    watch(|| {
        for round in 0..30 {
            let workers = per_core(2, |_| greenroom::thread::park());
            std::thread::sleep(Duration::from_micros(round * 20));
            workers.stop_within(Duration::from_secs(60));
            workers.stop_within(Duration::ZERO);
            assert!(workers.join().iter().all(Result::is_ok));
            workers.stop();
        }
    });
}

#[test]
fn join_on_a_hub_parks_and_an_impatient_caller_leaves_the_workers_running() {
    hub(|| {
        let workers = per_core(1, |_| greenroom::thread::park());
        let ticks = greenroom::spawn(|| greenroom::sleep(ms(1)));
        assert!(greenroom::timeout(ms(100), || workers.join()).is_err());
        assert!(ticks.is_finished(), "others went on");
        workers.stop_within(Duration::ZERO);
        assert!(workers.join()[0].is_ok());
    });
}

#[test]
fn a_worker_that_waits_for_nothing_is_no_deadlock_of_the_others() {
    watch(|| {
        let go = AsyncResult::<()>::new();
        let workers = per_core(2, {
            let go = go.clone();
            move |_| go.get().unwrap()
        });
        std::thread::sleep(ms(250));
        go.set(()).unwrap();
        assert!(workers.join().iter().all(Result::is_ok));
    });
}
