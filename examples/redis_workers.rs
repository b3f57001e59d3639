//! The way past one machine: producers and workers, any number of processes anywhere, that share the jobs on one Redis
//! stream.
//!
//! Each worker is a green thread with a connection of its own. A worker that is killed in the middle of a job leaves it
//! taken and not done; after a while another takes it over, and nothing is lost. For that, a job may be done twice:
//! make that do no harm. A job that takes longer than the patience of the others is done twice, too.

#[path = "redis/client.rs"]
mod client;
#[path = "support/command_line.rs"]
mod command_line;
#[path = "redis/jobs.rs"]
mod jobs;
#[path = "support/stop_signals.rs"]
mod stop_signals;

use client::Client;
use greenroom::sync::{Arc, Event};
use greenroom::time::{Duration, Instant};
use greenroom::{JoinHandle, sleep, spawn, try_joinall};
use jobs::Job;
use std::cell::Cell;
use std::{io, process, process::ExitCode, rc::Rc};

const USAGE: &str = "\
redis_workers ADDRESS ROLE [--jobs N] [--at-once N] [--job-ms N] [--patience-ms N]

  ADDRESS           of a Redis server, 6.2 or later
  ROLE  produce     puts jobs on the stream: the numbers from 1 to N
        work        does jobs, which is to square their numbers, until SIGINT or SIGTERM
        results     waits until N jobs are done, and checks the results
  --jobs N          how many jobs, 1000 by default
  --at-once N       how many producers or workers in this process, 8 by default
  --job-ms N        how long a job takes, 5 by default
  --patience-ms N   a job that was taken so long ago is taken over, 5000 by default
With results: gives up when no job was done for six times the patience.";

/// How long a worker waits for a job before it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(500);
/// How many jobs a producer sends by one write.
const BATCH: usize = 100;

#[derive(Clone)]
struct Options {
    address: String,
    jobs: u64,
    at_once: u64,
    job: Duration,
    patience: Duration,
}

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let mut number = |name, default| line.number(name).unwrap_or(default);
    let (jobs, at_once) = (number("--jobs", 1000), number("--at-once", 8));
    let job = Duration::from_millis(number("--job-ms", 5));
    let patience = Duration::from_millis(number("--patience-ms", 5000));
    let (address, role) = (line.address(), line.word());
    line.end();
    let (Some(address), Some(role)) = (address, role) else { line.refuse("it needs an address and a role") };
    let options = Options { address, jobs, at_once, job, patience };
    let run = match &*role {
        "produce" => produce,
        "work" => work,
        "results" => results,
        _ => line.refuse(format_args!("{role:?} is no role")),
    };
    line.conclude(greenroom::run(|| run(&options)))
}

// ---- producers

fn produce(options: &Options) -> io::Result<()> {
    jobs::prepare(&mut Client::connect(&options.address)?)?;
    let producer = |first: u64| {
        let options = options.clone();
        spawn(move || -> io::Result<()> {
            let mut client = Client::connect(&options.address)?;
            let numbers: Vec<u64> = (first..=options.jobs).step_by(options.at_once as usize).collect();
            numbers.chunks(BATCH).try_for_each(|batch| jobs::give(&mut client, batch))
        })
    };
    join((1..=options.at_once).map(producer).collect())?;
    println!("{} jobs given", options.jobs);
    Ok(())
}

// ---- workers

/// What the workers of this process have in common.
struct Crew {
    options: Options,
    stop: Arc<Event>,
    done: Cell<u64>,
    taken_over: Cell<u64>,
}

fn work(options: &Options) -> io::Result<()> {
    // What is wrong from the beginning ends the program; what goes wrong later is waited out.
    jobs::prepare(&mut Client::connect(&options.address)?)?;
    let stop = Arc::new(Event::new());
    stop_signals::on_each({
        let stop = stop.clone();
        move || stop.set()
    })?;
    let (done, taken_over) = (Cell::new(0), Cell::new(0));
    let crew = Rc::new(Crew { options: options.clone(), stop, done, taken_over });
    println!("working");

    let member = |nth: u64| {
        let crew = Rc::clone(&crew);
        // Names must differ wherever the workers are; a real program would take the host's as well.
        let name = format!("{}-{nth}", process::id());
        spawn(move || {
            match nth {
                0 => crew.go_on(|client| crew.relieve(client, &name)),
                _ => crew.go_on(|client| crew.work(client, &name)),
            }
            Ok(())
        })
    };
    join((0..=options.at_once).map(member).collect())?;
    println!("{} jobs done, {} of them taken over", crew.done.get(), crew.taken_over.get());
    Ok(())
}

impl Crew {
    /// Runs `part` until it ends in order, with a new connection after each failure.
    fn go_on(&self, part: impl Fn(&mut Client) -> io::Result<()>) {
        while let Err(error) = Client::connect(&self.options.address).and_then(|mut client| part(&mut client))
        {
            eprintln!("redis_workers: {error}; once more in a second");
            if self.stop.wait_timeout(Duration::from_secs(1)) {
                break;
            }
        }
    }

    fn work(&self, client: &mut Client, name: &str) -> io::Result<()> {
        while !self.stop.is_set() {
            if let Some(job) = jobs::take_new(client, name, LOOK)? {
                self.complete(client, &job)?;
            }
        }
        Ok(())
    }

    /// Takes over what those have left who are gone.
    fn relieve(&self, client: &mut Client, name: &str) -> io::Result<()> {
        while !self.stop.wait_timeout(self.options.patience / 2) {
            while let Some(job) = jobs::take_over(client, name, self.options.patience)? {
                self.complete(client, &job)?;
                self.taken_over.set(self.taken_over.get() + 1);
            }
        }
        Ok(())
    }

    fn complete(&self, client: &mut Client, job: &Job) -> io::Result<()> {
        jobs::begin(client, job)?;
        sleep(self.options.job);
        let result = square(&job.number).unwrap_or_else(|| "not a number".into());
        jobs::finish(client, job, &result)?;
        self.done.set(self.done.get() + 1);
        Ok(())
    }
}

fn square(number: &str) -> Option<String> {
    let number: u64 = number.parse().ok()?;
    Some((u128::from(number) * u128::from(number)).to_string())
}

// ---- results

fn results(options: &Options) -> io::Result<()> {
    let mut client = Client::connect(&options.address)?;
    let mut last_done = Instant::now();
    let mut done = jobs::done(&mut client)?;
    while done < options.jobs {
        if last_done.elapsed() > options.patience * 6 {
            return Err(io::Error::other(format!("{done} of {} jobs are done", options.jobs)));
        }
        sleep(Duration::from_millis(50));
        let before = std::mem::replace(&mut done, jobs::done(&mut client)?);
        if done > before {
            last_done = Instant::now();
        }
    }
    let outcomes = jobs::outcomes(&mut client)?;
    let (left, taken) = jobs::left(&mut client)?;
    let is_right = |number: u64| {
        let job = number.to_string();
        outcomes.get(&job).is_some_and(|outcome| outcome.begun > 0 && outcome.result == square(&job))
    };
    let wrong = (1..=options.jobs).filter(|number| !is_right(*number)).count();
    let twice = outcomes.values().filter(|outcome| outcome.begun > 1).count();
    println!(
        "jobs={} missing_or_wrong={wrong} begun_more_than_once={twice} left={left} taken={taken}",
        options.jobs
    );
    if wrong > 0 || left > 0 || taken > 0 {
        return Err(io::Error::other("not every job is done"));
    }
    Ok(())
}

fn join(threads: Vec<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    try_joinall(threads).map_err(io::Error::other)?.into_iter().collect()
}
