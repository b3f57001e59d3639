//! Several downloads at once, through a pool, chunk by chunk into files, with a progress bar each.
//!
//! No file is ever in memory as a whole. Who waits for a chunk, or for the disk that takes it (`greenroom::fs`), holds
//! up nobody else. The server is in the same program, and so the files can be compared with what it sent.

#[path = "support/command_line.rs"]
mod command_line;
#[path = "downloads/file_server.rs"]
mod file_server;
#[path = "support/serving.rs"]
mod serving;

use greenroom::fs::{self, File};
use greenroom::net::{SocketAddr, TcpStream};
use greenroom::pool::Pool;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::{env, process, process::ExitCode, rc::Rc, time::Duration};

const USAGE: &str = "\
downloads [DIRECTORY] [--files N] [--kilobytes N] [--at-once N]

Downloads files from a server of its own, and compares them with what that has sent.
  DIRECTORY       where to, and there they stay; by default one that is gone in the end
  --files N       how many, 6 by default
  --kilobytes N   how long the first one is, 128 by default; the second is twice as long, and so on
  --at-once N     how many at once, 3 by default";

const PATIENCE: Duration = Duration::from_secs(10);
const CHUNK: usize = 64 << 10;

fn main() -> ExitCode {
    let mut line = command_line::CommandLine::new(USAGE);
    let files = line.number("--files").unwrap_or(6).min(1000);
    let kilobytes = line.number("--kilobytes").unwrap_or(128);
    let at_once = line.number("--at-once").unwrap_or(3) as usize;
    let named = line.word().map(PathBuf::from);
    line.end();
    let scratch = env::temp_dir().join(format!("downloads-{}", process::id()));
    let directory = named.as_ref().unwrap_or(&scratch);
    let made = if named.is_none() { std::fs::create_dir(&scratch) } else { Ok(()) };
    let outcome = made.and_then(|()| greenroom::run(|| download_all(directory, files, kilobytes, at_once)));
    if named.is_none() {
        // It fails if it could not be made, and that has been told.
        let _ = std::fs::remove_dir_all(&scratch);
    }
    line.conclude(outcome)
}

fn download_all(directory: &Path, files: u64, kilobytes: u64, at_once: usize) -> io::Result<()> {
    let (pool, most) = (Rc::new(Pool::new(at_once)), Rc::new(Cell::new(0)));
    let (members, seen) = (Rc::clone(&pool), Rc::clone(&most));
    let address = file_server::start(kilobytes)?;
    let (bars, into) = (MultiProgress::new(), directory.to_owned());
    let style = ProgressStyle::with_template("{prefix:>8} [{bar:40}] {bytes:>10} of {total_bytes}")
        .expect("the template is one");
    let downloaded: Vec<io::Result<_>> = pool.map(0..files, move |number| {
        seen.set(members.len().max(seen.get()));
        let bar = bars.add(ProgressBar::no_length().with_style(style.clone()));
        bar.set_prefix(format!("file {number}"));
        let path = into.join(format!("file-{number}"));
        let length = download(address, number, &path, &bar)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        bar.finish();
        Ok((number, path, length))
    });
    for file in downloaded {
        let (number, path, length) = file?;
        if fs::read(path)? != file_server::content(number, kilobytes) {
            let reason = format!("file {number} is not what was sent");
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        println!("file {number}: {length} bytes, as they were sent");
    }
    println!("{files} files, {} at once", most.get());
    Ok(())
}

/// Into a file with another name until all of it is there.
fn download(address: SocketAddr, number: u64, path: &Path, bar: &ProgressBar) -> io::Result<u64> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{number} HTTP/1.0\r\n\r\n")?;
    let mut reader = BufReader::with_capacity(CHUNK, &stream);
    let length = read_head(&mut reader)?;
    bar.set_length(length);

    let part = path.with_extension("part");
    let mut file = File::create(&part)?;
    let mut chunk = vec![0; CHUNK];
    let mut left = length;
    while left > 0 {
        let most = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = reader.read(&mut chunk[..most])?;
        if got == 0 {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, format!("{left} bytes did not come")));
        }
        file.write_all(&chunk[..got])?;
        left -= got as u64;
        bar.inc(got as u64);
    }
    fs::rename(part, path)?;
    Ok(length)
}

/// The status line and the headers; returns the length of what follows them.
fn read_head(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut lines = reader.take(8 << 10).lines();
    let status = lines.next().transpose()?.unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("the server answers {status:?}")));
    }
    let mut length = None;
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("Content-Length")
        {
            length = value.trim().parse().ok();
        }
    }
    length.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the server does not say how much comes"))
}
