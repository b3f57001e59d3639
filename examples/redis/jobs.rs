//! Jobs on a Redis stream: given out, taken, done, and given to another when who took them is gone.
//!
//! The stream holds the jobs that are not done. Its consumer group knows who has taken which, and since when. A job is
//! done in one transaction: the result is there, and the job is not any more; a worker that dies before that leaves the
//! job to another. So each is done at least once, and has one result.

use crate::client::{Client, Reply};
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::time::Duration;

const STREAM: &str = "jobs";
const GROUP: &str = "workers";
/// Job to result.
const RESULTS: &str = "jobs:results";
/// Job to how often it was begun.
const BEGUN: &str = "jobs:begun";

/// The first id of a stream, and the cursor that says there is no more.
const START: &str = "0-0";

/// A job that this worker has taken.
pub(crate) struct Job {
    /// Its place in the stream.
    id: String,
    /// What it is about.
    pub(crate) number: String,
}

impl Job {
    /// An entry of a stream: its id, and its fields with their values.
    fn from_entry(entry: &Reply) -> Option<Job> {
        let (id, number) = (entry.at(&[0])?.text()?, entry.at(&[1, 1])?.text()?);
        Some(Job { id: id.into(), number: number.into() })
    }
}

/// Makes the stream and its group, unless they are there.
pub(crate) fn prepare(client: &mut Client) -> io::Result<()> {
    match client.ask(&["XGROUP", "CREATE", STREAM, GROUP, START, "MKSTREAM"]) {
        Err(error) if !error.to_string().starts_with("BUSYGROUP") => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn give(client: &mut Client, numbers: &[u64]) -> io::Result<()> {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let requests: Vec<_> = numbers.iter().map(|number| ["XADD", STREAM, "*", "number", number]).collect();
    client.ask_all(&requests.iter().map(|request| &request[..]).collect::<Vec<_>>()).map(drop)
}

/// A job that nobody has taken yet; waits for one, but not for ever.
pub(crate) fn take_new(client: &mut Client, worker: &str, limit: Duration) -> io::Result<Option<Job>> {
    let limit = limit.as_millis().to_string();
    let reply = client.ask(&[
        "XREADGROUP",
        "GROUP",
        GROUP,
        worker,
        "COUNT",
        "1",
        "BLOCK",
        &limit,
        "STREAMS",
        STREAM,
        ">",
    ])?;
    Ok(reply.at(&[0, 1, 0]).and_then(Job::from_entry))
}

/// A job that somebody has taken longer than `patience` ago, and has not done.
pub(crate) fn take_over(client: &mut Client, worker: &str, patience: Duration) -> io::Result<Option<Job>> {
    let patience = patience.as_millis().to_string();
    let mut cursor = START.to_owned();
    loop {
        // It looks at ten jobs a call, and gives one at most.
        let reply = client.ask(&["XAUTOCLAIM", STREAM, GROUP, worker, &patience, &cursor, "COUNT", "1"])?;
        if let Some(job) = reply.at(&[1, 0]).and_then(Job::from_entry) {
            return Ok(Some(job));
        }
        cursor = match reply.at(&[0]).and_then(Reply::text) {
            None | Some(START) => return Ok(None),
            Some(next) => next.into(),
        };
    }
}

pub(crate) fn begin(client: &mut Client, job: &Job) -> io::Result<()> {
    client.ask(&["HINCRBY", BEGUN, &job.number, "1"]).map(drop)
}

/// The result is there, and the job is gone, or neither.
pub(crate) fn finish(client: &mut Client, job: &Job, result: &str) -> io::Result<()> {
    let requests: [&[&str]; 5] = [
        &["MULTI"],
        &["HSET", RESULTS, &job.number, result],
        &["XACK", STREAM, GROUP, &job.id],
        &["XDEL", STREAM, &job.id],
        &["EXEC"],
    ];
    client.ask_all(&requests).map(drop)
}

/// How many jobs have been done.
pub(crate) fn done(client: &mut Client) -> io::Result<u64> {
    let count = client.ask(&["HLEN", RESULTS])?.integer().and_then(|count| u64::try_from(count).ok());
    count.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "HLEN is no number"))
}

/// How many jobs are on the stream, and how many of them somebody has taken.
pub(crate) fn left(client: &mut Client) -> io::Result<(i64, i64)> {
    let replies = client.ask_all(&[&["XLEN", STREAM], &["XPENDING", STREAM, GROUP]])?;
    let (length, taken) = (replies[0].integer(), replies[1].at(&[0]).and_then(Reply::integer));
    Ok((length.unwrap_or(-1), taken.unwrap_or(-1)))
}

/// What came of a job.
pub(crate) struct Outcome {
    /// How often it was begun.
    pub(crate) begun: u64,
    pub(crate) result: Option<String>,
}

/// The outcome of every job that was begun.
pub(crate) fn outcomes(client: &mut Client) -> io::Result<HashMap<String, Outcome>> {
    let replies = client.ask_all(&[&["HGETALL", BEGUN], &["HGETALL", RESULTS]])?;
    let mut results: HashMap<&str, &str> = pairs(&replies[1]).collect();
    let outcome = |(job, times): (&str, &str)| {
        let outcome =
            Outcome { begun: times.parse().unwrap_or(0), result: results.remove(job).map(str::to_owned) };
        (job.to_owned(), outcome)
    };
    Ok(pairs(&replies[0]).map(outcome).collect())
}

/// The fields of a hash and their values.
fn pairs(hash: &Reply) -> impl Iterator<Item = (&str, &str)> {
    hash.elements().chunks_exact(2).filter_map(|pair| Some((pair[0].text()?, pair[1].text()?)))
}
