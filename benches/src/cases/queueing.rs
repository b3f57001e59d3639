//! What does a message cost that goes through a queue, on one OS thread?

use crate::{
    contest::Peer,
    ours,
    rivals::{self, Runtime, monoio::Monoio, smol::Smol},
};
use may::go;
use ours::queueing::ROOM;
use std::time::{Duration, Instant};

/// Back and forth between two tasks, over two queues of capacity 1: a message is one way. may's only queue has no bound.
pub(super) fn ping_pong() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::queueing::ping_pong),
        Peer::timed("tokio", tokio_ping_pong),
        Peer::timed("may", may_ping_pong),
        Peer::timed("flume/smol", flume_ping_pong::<Smol>),
        Peer::timed("flume/monoio", flume_ping_pong::<Monoio>),
        Peer::timed("async-channel/smol", async_channel_ping_pong::<Smol>),
        Peer::timed("async-channel/monoio", async_channel_ping_pong::<Monoio>),
    ]
}

/// One way, over one queue of capacity 128. may's only queue has no bound.
pub(super) fn stream() -> Vec<Peer> {
    vec![
        Peer::timed("greenroom", ours::queueing::stream),
        Peer::timed("tokio", tokio_stream),
        Peer::timed("may", may_stream),
        Peer::timed("flume/smol", flume_stream::<Smol>),
        Peer::timed("flume/monoio", flume_stream::<Monoio>),
        Peer::timed("async-channel/smol", async_channel_stream::<Smol>),
        Peer::timed("async-channel/monoio", async_channel_stream::<Monoio>),
    ]
}

fn tokio_ping_pong(messages: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let (there, mut heard) = tokio::sync::mpsc::channel(1);
        let (answers, mut back) = tokio::sync::mpsc::channel(1);
        let echo = tokio::task::spawn_local(async move {
            while let Some(message) = heard.recv().await {
                answers.send(message).await.expect("open");
            }
        });
        let player = tokio::task::spawn_local(async move {
            let start = Instant::now();
            for message in 0..messages / 2 {
                there.send(message).await.expect("open");
                back.recv().await.expect("open");
            }
            start.elapsed()
        });
        let took = player.await.expect("it does not panic");
        echo.await.expect("it does not panic");
        took
    })
}

fn tokio_stream(messages: u64) -> Duration {
    rivals::tokio::run_local(async move {
        let (queue, mut source) = tokio::sync::mpsc::channel(ROOM);
        let producer = tokio::task::spawn_local(async move {
            for message in 0..messages {
                queue.send(message).await.expect("open");
            }
        });
        let start = Instant::now();
        let mut count = 0;
        while source.recv().await.is_some() {
            count += 1;
        }
        assert_eq!(count, messages);
        let took = start.elapsed();
        producer.await.expect("it does not panic");
        took
    })
}

fn may_ping_pong(messages: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let (there, heard) = may::sync::mpsc::channel();
        let (answers, back) = may::sync::mpsc::channel();
        let echo = go!(move || {
            for message in heard.iter() {
                answers.send(message).expect("open");
            }
        });
        let player = go!(move || {
            let start = Instant::now();
            for message in 0..messages / 2 {
                there.send(message).expect("open");
                back.recv().expect("open");
            }
            start.elapsed()
        });
        let took = player.join().expect("it does not panic");
        echo.join().expect("it does not panic");
        took
    })
}

fn may_stream(messages: u64) -> Duration {
    rivals::may::run_coroutine(move || {
        let (queue, source) = may::sync::mpsc::channel();
        let producer = go!(move || {
            for message in 0..messages {
                queue.send(message).expect("open");
            }
        });
        let start = Instant::now();
        assert_eq!(source.iter().count() as u64, messages);
        let took = start.elapsed();
        producer.join().expect("it does not panic");
        took
    })
}

fn flume_ping_pong<R: Runtime>(messages: u64) -> Duration {
    R::run(async move {
        let (there, heard) = flume::bounded(1);
        let (answers, back) = flume::bounded(1);
        let echo = R::spawn(async move {
            while let Ok(message) = heard.recv_async().await {
                answers.send_async(message).await.expect("open");
            }
        });
        let player = R::spawn(async move {
            let start = Instant::now();
            for message in 0..messages / 2 {
                there.send_async(message).await.expect("open");
                back.recv_async().await.expect("open");
            }
            start.elapsed()
        });
        let took = player.await;
        echo.await;
        took
    })
}

fn flume_stream<R: Runtime>(messages: u64) -> Duration {
    R::run(async move {
        let (queue, source) = flume::bounded(ROOM);
        let producer = R::spawn(async move {
            for message in 0..messages {
                queue.send_async(message).await.expect("open");
            }
        });
        let start = Instant::now();
        let mut count = 0;
        while source.recv_async().await.is_ok() {
            count += 1;
        }
        assert_eq!(count, messages);
        let took = start.elapsed();
        producer.await;
        took
    })
}

fn async_channel_ping_pong<R: Runtime>(messages: u64) -> Duration {
    R::run(async move {
        let (there, heard) = async_channel::bounded(1);
        let (answers, back) = async_channel::bounded(1);
        let echo = R::spawn(async move {
            while let Ok(message) = heard.recv().await {
                answers.send(message).await.expect("open");
            }
        });
        let player = R::spawn(async move {
            let start = Instant::now();
            for message in 0..messages / 2 {
                there.send(message).await.expect("open");
                back.recv().await.expect("open");
            }
            start.elapsed()
        });
        let took = player.await;
        echo.await;
        took
    })
}

fn async_channel_stream<R: Runtime>(messages: u64) -> Duration {
    R::run(async move {
        let (queue, source) = async_channel::bounded(ROOM);
        let producer = R::spawn(async move {
            for message in 0..messages {
                queue.send(message).await.expect("open");
            }
        });
        let start = Instant::now();
        let mut count = 0;
        while source.recv().await.is_ok() {
            count += 1;
        }
        assert_eq!(count, messages);
        let took = start.elapsed();
        producer.await;
        took
    })
}
