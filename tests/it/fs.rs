//! `fs`: as std's, but the others go on; nothing that has begun is interrupted, and nothing is lost.

pub(crate) mod interruption;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, DirEntryExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use greenroom::fs::{self, DirBuilder, File, FileTimes, OpenOptions};
use greenroom::process::{Command, Stdio};
use greenroom::{joinall, sleep, spawn, yield_now};

use crate::support::{guard, hub, ms};

/// A directory that goes with its test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("greenroom-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A FIFO: whoever opens it to read waits for a writer.
pub(crate) fn make_fifo(path: &Path) {
    let name = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()).unwrap();
    #[expect(unsafe_code, reason = "mkfifo(3) is a plain system call")]
    // SAFETY: the name ends with a zero.
    let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
    assert_eq!(made, 0);
}

#[test]
fn what_is_written_is_read() {
    hub(|| {
        let place = Directory::new();
        let path = place.at("a");
        fs::write(&path, "hello").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hello");
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello");
        fs::write(&path, [0xFF, 0xFE]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read(place.at("no")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::write(place.path(), "x").unwrap_err().kind(), io::ErrorKind::IsADirectory);
    });
}

#[test]
fn while_one_waits_for_a_file_the_others_go_on() {
    hub(|| {
        let place = Directory::new();
        let fifo = place.at("fifo");
        make_fifo(&fifo);
        let path = fifo.clone();
        let reader = spawn(move || fs::read_to_string(path).unwrap());
        for _ in 0..5 {
            sleep(ms(1));
        }
        assert!(!reader.is_finished());
        fs::write(&fifo, "through").unwrap();
        assert_eq!(reader.join().unwrap(), "through");
    });
}

#[test]
fn a_file_reads_writes_and_seeks_as_stds() {
    hub(|| {
        let place = Directory::new();
        let mut file = File::create_new(place.at("a")).unwrap();
        assert_eq!(File::create_new(place.at("a")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        file.write_all(b"0123456789").unwrap();
        file.write_all(b"").unwrap();
        file.flush().unwrap();
        assert_eq!(file.seek(SeekFrom::End(-4)).unwrap(), 6);
        let mut four = [0; 4];
        (&file).read_exact(&mut four).unwrap();
        assert_eq!(&four, b"6789");
        assert_eq!(file.read(&mut four).unwrap(), 0);
        assert_eq!(file.read(&mut []).unwrap(), 0);
        assert_eq!(file.stream_position().unwrap(), 10);
        assert_eq!(file.seek(SeekFrom::Current(-11)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        file.write_all_at(b"ab", 1).unwrap();
        file.read_exact_at(&mut four, 0).unwrap();
        assert_eq!((&four, file.stream_position().unwrap()), (b"0ab3", 10));
        file.set_len(3).unwrap();
        file.rewind().unwrap();
        let mut text = String::from("> ");
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "> 0ab");
        file.sync_all().unwrap();
        file.sync_data().unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3);
        assert_eq!(
            File::open(place.at("a")).unwrap().write(b"x").unwrap_err().raw_os_error(),
            Some(libc::EBADF)
        );
    });
}

#[test]
fn much_is_transferred_in_parts_and_whole() {
    hub(|| {
        let place = Directory::new();
        let bytes: Vec<u8> = (0..5_000_000u32).map(|n| (n / 3) as u8).collect();
        let mut file = File::create(place.at("big")).unwrap();
        assert_eq!(file.write(&bytes).unwrap(), 2 << 20, "one call takes so many");
        file.write_all(&bytes[2 << 20..]).unwrap();
        let mut back = Vec::new();
        File::open(place.at("big")).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == bytes);
        let mut copied = Vec::new();
        io::copy(&mut BufReader::new(File::open(place.at("big")).unwrap()), &mut copied).unwrap();
        assert!(copied == bytes);
        let mut exact = vec![0; bytes.len()];
        File::open(place.at("big")).unwrap().read_exact(&mut exact).unwrap();
        assert!(exact == bytes);
    });
}

#[test]
fn text_that_is_none_is_an_error_and_nothing_is_added() {
    hub(|| {
        let place = Directory::new();
        fs::write(place.at("a"), [b'o', b'k', 0xFF]).unwrap();
        let mut text = String::from("before");
        let error = File::open(place.at("a")).unwrap().read_to_string(&mut text).unwrap_err();
        assert_eq!((error.kind(), text.as_str()), (io::ErrorKind::InvalidData, "before"));
    });
}

#[test]
fn options_say_how_a_file_is_opened() {
    hub(|| {
        let place = Directory::new();
        let mut log = OpenOptions::new();
        log.create(true).append(true).mode(0o600);
        for word in ["one\n", "two\n"] {
            log.clone().open(place.at("log")).unwrap().write_all(word.as_bytes()).unwrap();
        }
        let lines: Vec<_> =
            BufReader::new(File::open(place.at("log")).unwrap()).lines().collect::<Result<_, _>>().unwrap();
        assert_eq!(lines, ["one", "two"]);
        assert_eq!(fs::metadata(place.at("log")).unwrap().permissions().mode() & 0o777, 0o600);
        let nofollow = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).clone();
        fs::symlink(place.at("log"), place.at("link")).unwrap();
        assert_eq!(nofollow.open(place.at("link")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        let neither = OpenOptions::new().open(place.at("log")).unwrap_err();
        assert_eq!(neither.kind(), io::ErrorKind::InvalidInput);
        File::options().write(true).truncate(true).open(place.at("log")).unwrap();
        assert_eq!(fs::metadata(place.at("log")).unwrap().len(), 0);
        let std = std::fs::OpenOptions::new().read(true).clone();
        assert!(OpenOptions::from(std).open(place.at("log")).is_ok());
        assert!(OpenOptions::new().write(true).create_new(true).open(place.at("log")).is_err());
    });
}

#[test]
fn names_are_made_moved_asked_about_and_removed() {
    hub(|| {
        let place = Directory::new();
        fs::write(place.at("a"), "abc").unwrap();
        assert_eq!(fs::copy(place.at("a"), place.at("b")).unwrap(), 3);
        fs::rename(place.at("b"), place.at("c")).unwrap();
        assert!(!fs::exists(place.at("b")).unwrap() && fs::exists(place.at("c")).unwrap());
        fs::hard_link(place.at("c"), place.at("d")).unwrap();
        assert_eq!(fs::metadata(place.at("d")).unwrap().nlink(), 2);
        fs::symlink("c", place.at("e")).unwrap();
        assert_eq!(fs::read_link(place.at("e")).unwrap(), Path::new("c"));
        assert!(fs::symlink_metadata(place.at("e")).unwrap().file_type().is_symlink());
        assert!(fs::metadata(place.at("e")).unwrap().is_file());
        let whole = fs::canonicalize(place.at("e")).unwrap();
        assert_eq!(whole, std::fs::canonicalize(place.at("c")).unwrap());
        fs::create_dir(place.at("x")).unwrap();
        fs::create_dir_all(place.at("x/y/z")).unwrap();
        assert_eq!(fs::remove_dir(place.at("x")).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        fs::remove_dir(place.at("x/y/z")).unwrap();
        fs::remove_dir_all(place.at("x")).unwrap();
        DirBuilder::new().recursive(true).mode(0o700).create(place.at("p/q")).unwrap();
        assert_eq!(fs::metadata(place.at("p/q")).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(DirBuilder::new().create(place.at("p")).is_err());
        let mut permissions = fs::metadata(place.at("a")).unwrap().permissions();
        permissions.set_mode(0o400);
        fs::set_permissions(place.at("a"), permissions.clone()).unwrap();
        assert!(fs::metadata(place.at("a")).unwrap().permissions().readonly());
        permissions.set_mode(0o600);
        let file = File::open(place.at("a")).unwrap();
        file.set_permissions(permissions).unwrap();
        let then = std::time::UNIX_EPOCH + ms(86_400_000);
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
        assert_eq!(file.metadata().unwrap().modified().unwrap(), then);
        fs::remove_file(place.at("a")).unwrap();
        assert_eq!(fs::remove_file(place.at("a")).unwrap_err().kind(), io::ErrorKind::NotFound);
    });
}

#[test]
fn a_directory_gives_each_of_its_entries_once() {
    hub(|| {
        let place = Directory::new();
        // Some more than are fetched at once; and just as many as are.
        for count in [0, 1, 64, 200] {
            let directory = place.at(&format!("of {count}"));
            fs::create_dir(&directory).unwrap();
            for number in 0..count {
                std::fs::write(directory.join(number.to_string()), "").unwrap();
            }
            let mut numbers: Vec<usize> = fs::read_dir(&directory)
                .unwrap()
                .map(|entry| {
                    let entry = entry.unwrap();
                    assert!(entry.file_type().unwrap().is_file());
                    assert_eq!(entry.path(), directory.join(entry.file_name()));
                    assert_eq!(entry.metadata().unwrap().ino(), entry.ino());
                    entry.file_name().to_str().unwrap().parse().unwrap()
                })
                .collect();
            numbers.sort_unstable();
            assert!(numbers.into_iter().eq(0..count));
        }
        let mut empty = fs::read_dir(place.at("of 0")).unwrap();
        assert!(empty.next().is_none() && empty.next().is_none());
        assert_eq!(fs::read_dir(place.at("no")).unwrap_err().kind(), io::ErrorKind::NotFound);
    });
}

#[test]
fn handles_share_their_place_and_have_descriptors_of_their_own() {
    hub(|| {
        let place = Directory::new();
        let file = File::create_new(place.at("a")).unwrap();
        let mut twin = file.try_clone().unwrap();
        (&file).write_all(b"ab").unwrap();
        twin.write_all(b"cd").unwrap();
        drop(file);
        twin.rewind().unwrap();
        let std = twin.into_std().unwrap();
        let descriptor: OwnedFd = File::from_std(std).into();
        assert_eq!(io::read_to_string(File::from(descriptor)).unwrap(), "abcd");
        let opened = File::open(place.at("a")).unwrap();
        let output = Command::new("cat").stdin(opened).stdout(Stdio::piped()).output().unwrap();
        assert_eq!(output.stdout, b"abcd");
        let _ = File::create(place.at("b")).unwrap().as_fd();
    });
}

#[test]
fn many_at_once_wait_for_their_turn_on_few_os_threads() {
    guard(|| {
        let place = Directory::new();
        greenroom::Runtime::builder().blocking_threads(2).build().unwrap().run(|| {
            let all: Vec<_> = (0..200)
                .map(|number| {
                    let path = place.at(&number.to_string());
                    spawn(move || {
                        fs::write(&path, number.to_string()).unwrap();
                        assert_eq!(fs::read_to_string(&path).unwrap(), number.to_string());
                    })
                })
                .collect();
            assert!(joinall(all).into_iter().all(|ended| ended.is_ok()));
        });
    });
}

#[test]
fn lines_that_many_append_are_whole() {
    hub(|| {
        let place = Directory::new();
        let writers: Vec<_> = (0..20)
            .map(|number| {
                let mut log = OpenOptions::new().create(true).append(true).open(place.at("log")).unwrap();
                spawn(move || {
                    for _ in 0..20 {
                        log.write_all(format!("{number} {}\n", "x".repeat(5000)).as_bytes()).unwrap();
                        yield_now();
                    }
                })
            })
            .collect();
        joinall(writers);
        let text = fs::read_to_string(place.at("log")).unwrap();
        assert_eq!(text.lines().count(), 400);
        assert!(text.lines().all(|line| line.ends_with(&"x".repeat(5000)) && line.len() <= 5003));
    });
}

#[test]
fn without_a_hub_it_blocks_as_stds_does() {
    guard(|| {
        let place = Directory::new();
        fs::write(place.at("a"), "plain").unwrap();
        assert_eq!(fs::read_to_string(place.at("a")).unwrap(), "plain");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    });
}
