//! What is asked of whoever waits for a file acts before the call or after it, never in its middle: each call, with the pool's
//! only OS thread held up, so that it waits for as long as the test likes.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use greenroom::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use greenroom::thread::Cancelled;
use greenroom::{Elapsed, JoinHandle, Runtime, spawn, timeout, unblock, yield_now};

use super::{Directory, make_fifo};
use crate::support::{OnDrop, error_of, guard, hub, ms};

/// A call, in a directory where there are a file `file` of 3 bytes, a symbolic link `link` to it, and an empty directory
/// `empty`.
type Call = fn(&Path) -> io::Result<()>;

const CALLS: &[(&str, Call)] = &[
    ("fs::read", |at| fs::read(at.join("file")).map(drop)),
    ("fs::read_to_string", |at| fs::read_to_string(at.join("file")).map(drop)),
    ("fs::write", |at| fs::write(at.join("new"), "abc")),
    ("fs::copy", |at| fs::copy(at.join("file"), at.join("new")).map(drop)),
    ("fs::rename", |at| fs::rename(at.join("file"), at.join("new"))),
    ("fs::hard_link", |at| fs::hard_link(at.join("file"), at.join("new"))),
    ("fs::symlink", |at| fs::symlink(at.join("file"), at.join("new"))),
    ("fs::remove_file", |at| fs::remove_file(at.join("file"))),
    ("fs::create_dir", |at| fs::create_dir(at.join("new"))),
    ("fs::create_dir_all", |at| fs::create_dir_all(at.join("new/newer"))),
    ("fs::remove_dir", |at| fs::remove_dir(at.join("empty"))),
    ("fs::remove_dir_all", |at| fs::remove_dir_all(at.join("empty"))),
    ("fs::metadata", |at| fs::metadata(at.join("file")).map(drop)),
    ("fs::symlink_metadata", |at| fs::symlink_metadata(at.join("link")).map(drop)),
    ("fs::set_permissions", |at| fs::set_permissions(at.join("file"), permissions(at))),
    ("fs::canonicalize", |at| fs::canonicalize(at.join("link")).map(drop)),
    ("fs::read_link", |at| fs::read_link(at.join("link")).map(drop)),
    ("fs::exists", |at| fs::exists(at.join("file")).map(drop)),
    ("fs::read_dir", |at| fs::read_dir(at).map(drop)),
    ("fs::ReadDir::next", |at| DIRECTORY.with_borrow_mut(|directory| entry(directory, at)).map(drop)),
    ("fs::DirEntry::metadata", |at| of_an_entry(at, |entry| entry.metadata().map(drop))),
    // Known without a call, on file systems that tell it in the directory.
    ("fs::DirEntry::file_type", |at| {
        of_an_entry(at, |entry| entry.metadata().and(entry.file_type()).map(drop))
    }),
    ("fs::DirBuilder::create", |at| DirBuilder::new().create(at.join("new"))),
    ("fs::OpenOptions::open", |at| OpenOptions::new().read(true).open(at.join("file")).map(drop)),
    ("fs::File::open", |at| File::open(at.join("file")).map(drop)),
    ("fs::File::create", |at| File::create(at.join("new")).map(drop)),
    ("fs::File::create_new", |at| File::create_new(at.join("new")).map(drop)),
    ("fs::File::sync_all", |at| of_a_file(at, |file| file.sync_all())),
    ("fs::File::sync_data", |at| of_a_file(at, |file| file.sync_data())),
    ("fs::File::set_len", |at| of_a_file(at, |file| file.set_len(2))),
    ("fs::File::metadata", |at| of_a_file(at, |file| file.metadata().map(drop))),
    ("fs::File::set_permissions", |at| of_a_file(at, |file| file.set_permissions(permissions(at)))),
    ("fs::File::set_times", |at| of_a_file(at, |file| file.set_times(FileTimes::new()))),
    ("fs::File::read", |at| of_a_file(at, |mut file| file.read(&mut [0; 2]).map(drop))),
    ("fs::File::write", |at| of_a_file(at, |mut file| file.write(b"xy").map(drop))),
    ("fs::File::seek", |at| of_a_file(at, |mut file| file.seek(SeekFrom::Start(1)).map(drop))),
    ("fs::File::read_at", |at| of_a_file(at, |file| file.read_at(&mut [0; 2], 1).map(drop))),
    ("fs::File::write_at", |at| of_a_file(at, |file| file.write_at(b"xy", 1).map(drop))),
];

/// For the park table.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(name, _)| *name)
}

thread_local! {
    /// Made before the pool is held up.
    static DIRECTORY: RefCell<Option<fs::ReadDir>> = const { RefCell::new(None) };
}

fn permissions(at: &Path) -> Permissions {
    std::fs::metadata(at).unwrap().permissions()
}

fn of_a_file(at: &Path, call: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(at.join("file")).unwrap();
    call(&File::from_std(file))
}

fn entry(directory: &mut Option<fs::ReadDir>, _at: &Path) -> io::Result<fs::DirEntry> {
    directory.as_mut().expect("opened before").next().expect("there are some")
}

/// The entry is fetched by a call of its own, which is interrupted like the other.
fn of_an_entry(at: &Path, call: impl FnOnce(&fs::DirEntry) -> io::Result<()>) -> io::Result<()> {
    let entry = DIRECTORY.with_borrow_mut(|directory| entry(directory, at))?;
    call(&entry)
}

/// A stage for one call: a pool of one OS thread, which does nothing before [`let_go`](Stage::let_go).
struct Stage {
    directory: Directory,
    hold: RefCell<Option<Sender<()>>>,
    call: Call,
    outcome: Rc<RefCell<Option<io::Result<()>>>>,
}

impl Stage {
    fn run(call: Call, scenario: impl FnOnce(&Stage)) {
        guard(|| {
            let directory = Directory::new();
            let at = directory.path();
            std::fs::write(at.join("file"), "abc").unwrap();
            std::os::unix::fs::symlink("file", at.join("link")).unwrap();
            std::fs::create_dir(at.join("empty")).unwrap();
            Runtime::builder().blocking_threads(1).build().unwrap().run(|| {
                DIRECTORY.set(Some(fs::read_dir(directory.path()).unwrap()));
                let (hold, held) = channel::<()>();
                spawn(move || unblock(move || held.recv().is_err()));
                yield_now();
                let hold = RefCell::new(Some(hold));
                scenario(&Stage { directory, hold, call, outcome: Rc::default() });
            });
            DIRECTORY.take();
        });
    }

    fn victim(&self) -> JoinHandle<()> {
        let (call, at) = (self.call, self.directory.path().to_owned());
        let outcome = self.outcome.clone();
        spawn(move || {
            let returned = call(&at);
            *outcome.borrow_mut() = Some(returned);
        })
    }

    fn let_go(&self) {
        self.hold.take();
    }

    fn outcome(&self) -> Option<io::Result<()>> {
        self.outcome.take()
    }
}

fn is_cancelled(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Cancelled>())
}

#[test]
fn what_is_asked_during_a_call_acts_after_it() {
    for (name, call) in CALLS {
        for ask in [JoinHandle::kill, JoinHandle::cancel] {
            Stage::run(*call, |stage| {
                let victim = stage.victim();
                yield_now();
                ask(&victim);
                yield_now();
                assert!(!victim.is_finished(), "{name} does not wait to the end");
                stage.let_go();
                victim.wait();
                // Those of an entry are two calls, and the second is refused.
                let ended = stage.outcome();
                let entry = name.contains("DirEntry");
                assert!(matches!(ended, Some(Ok(()))) || entry, "{name}: {ended:?}");
            });
        }
    }
}

#[test]
fn what_was_asked_before_a_call_refuses_it_and_nothing_has_happened() {
    for (name, call) in CALLS {
        Stage::run(*call, |stage| {
            let victim = stage.victim();
            victim.cancel();
            victim.wait();
            assert!(stage.outcome().unwrap().is_err_and(|error| is_cancelled(&error)), "{name}");
            let mut left: Vec<_> = std::fs::read_dir(stage.directory.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            left.sort();
            assert_eq!(left, ["empty", "file", "link"], "{name}");
            assert_eq!(std::fs::read(stage.directory.path().join("file")).unwrap(), b"abc");
            stage.let_go();
        });
    }
}

#[test]
fn a_loop_of_calls_ends_when_it_is_killed_and_fails_when_its_time_is_over() {
    hub(|| {
        let place = Directory::new();
        let path = place.path().join("log");
        let killed = spawn(move || {
            loop {
                fs::write(&path, "x").unwrap();
            }
        });
        for _ in 0..3 {
            yield_now();
        }
        killed.kill();
        assert!(error_of(killed).is_killed());
        let path = place.path().to_owned();
        let expired = timeout(ms(2), || {
            loop {
                if let Err(error) = fs::metadata(&path) {
                    assert!(error.get_ref().is_some_and(|inner| inner.is::<Elapsed>()), "{error}");
                    break;
                }
            }
        });
        assert!(expired.is_err());
    });
}

#[test]
fn a_destructor_may_use_files_while_it_unwinds() {
    for (name, call) in CALLS.iter().filter(|(name, _)| !name.contains("Dir")) {
        Stage::run(*call, |stage| {
            let (call, at, outcome) = (*call, stage.directory.path().to_owned(), stage.outcome.clone());
            let victim = spawn(move || {
                let _uses = OnDrop(move || {
                    let returned = call(&at);
                    *outcome.borrow_mut() = Some(returned);
                });
                greenroom::sleep(Duration::from_secs(86_400));
            });
            yield_now();
            victim.kill();
            // The pool is held up, and yet it does not wait.
            assert!(error_of(victim).is_killed());
            assert!(matches!(stage.outcome(), Some(Ok(()))), "{name}");
            stage.let_go();
        });
    }
}

#[test]
fn a_read_that_was_asked_to_stop_moves_the_offset_by_what_it_returned() {
    Stage::run(
        |_| Ok(()),
        |stage| {
            let file =
                Rc::new(File::from_std(std::fs::File::open(stage.directory.path().join("file")).unwrap()));
            let (shared, got) = (file.clone(), Rc::new(RefCell::new(Vec::new())));
            let note = got.clone();
            let victim = spawn(move || {
                let mut bytes = [0; 2];
                let count = (&*shared).read(&mut bytes).unwrap();
                note.borrow_mut().extend_from_slice(&bytes[..count]);
                assert!((&*shared).read(&mut bytes).is_err_and(|error| is_cancelled(&error)));
            });
            yield_now();
            victim.cancel();
            stage.let_go();
            victim.join().unwrap();
            let mut rest = String::new();
            (&*file).read_to_string(&mut rest).unwrap();
            assert_eq!((got.borrow().as_slice(), rest.as_str()), (b"ab".as_slice(), "c"));
        },
    );
}

#[test]
fn a_directory_whose_next_batch_was_refused_goes_on_afterwards() {
    hub(|| {
        let place = Directory::new();
        for number in 0..100 {
            std::fs::write(place.path().join(number.to_string()), "").unwrap();
        }
        let mut entries = fs::read_dir(place.path()).unwrap();
        let mut count = entries.by_ref().take(64).filter(Result::is_ok).count();
        let refused = timeout(Duration::ZERO, || entries.next().unwrap().unwrap_err().kind());
        assert!(refused.is_err());
        count += entries.map(Result::unwrap).count();
        assert_eq!(count, 100);
    });
}

#[test]
fn a_fifo_that_nobody_writes_to_keeps_its_reader_until_somebody_does() {
    hub(|| {
        let place = Directory::new();
        let path = place.path().join("fifo");
        make_fifo(&path);
        let fifo = path.clone();
        let reader = spawn(move || fs::read(fifo).map(drop));
        yield_now();
        reader.kill();
        greenroom::sleep(ms(5));
        assert!(!reader.is_finished());
        std::fs::write(&path, "x").unwrap();
        assert!(reader.join().unwrap().is_ok(), "what it did is known");
    });
}
