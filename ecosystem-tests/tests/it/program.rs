//! A server program that a test starts, in a folder of its own, and ends.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::crowd::say;

/// How long a server may take to begin, or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. Dropped, it is asked to end, and its folder is removed.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
    farewell: &'static str,
    _folder: Folder,
}

impl Program {
    /// Starts the command that `describe` makes of a port, and waits until it `answers`.
    pub(crate) fn start(
        folder: Folder,
        describe: impl Fn(u16) -> Command,
        answers: impl Fn(SocketAddr) -> bool,
    ) -> Program {
        // Another process may take the port that was free: then the server ends, and gets another.
        for _ in 0..5 {
            let address = free_address();
            let mut command = describe(address.port());
            folder.owner.run(&mut command);
            command.current_dir(&folder.path).stdin(Stdio::null()).stdout(Stdio::null());
            let mut child = command.stderr(folder.log()).spawn().expect("a server that starts");
            let begin = Instant::now();
            while begin.elapsed() < PATIENCE && child.try_wait().expect("a child").is_none() {
                if answers(address) {
                    // SIGINT: redis ends, postgres does so without waiting for its clients.
                    return Program { child, address, farewell: "INT", _folder: folder };
                }
                greenroom::sleep(Duration::from_millis(20));
            }
            drop(child.kill());
            drop(child.wait());
        }
        panic!(
            "the server did not begin:\n{}",
            fs::read_to_string(folder.path.join("log")).unwrap_or_default()
        );
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// For one that ends by another signal than SIGINT.
    #[allow(dead_code, reason = "two test binaries have this file, and not the same servers")]
    pub(crate) fn ended_by(mut self, farewell: &'static str) -> Program {
        self.farewell = farewell;
        self
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // std has SIGKILL alone, which would leave postgres's own children to themselves.
        let interrupt = format!("kill -{} {}", self.farewell, self.child.id());
        drop(Command::new("sh").args(["-c", &interrupt]).status());
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

/// A folder that only one server uses, and that goes when it does.
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    owner: Owner,
}

impl Folder {
    pub(crate) fn new(name: &str, owner: Owner) -> Folder {
        let path = env::temp_dir().join(format!("greenroom-{name}-{}", std::process::id()));
        fs::create_dir(&path).expect("a folder");
        if let Some((user, group)) = owner.0 {
            chown(&path, Some(user), Some(group)).expect("a folder of that user");
        }
        Folder { path, owner }
    }

    fn log(&self) -> fs::File {
        fs::File::create(self.path.join("log")).expect("a log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

/// As whom a server runs: its user and group, `None` for ourselves.
#[derive(Clone, Copy)]
pub(crate) struct Owner(Option<(u32, u32)>);

impl Owner {
    pub(crate) const OURSELVES: Owner = Owner(None);

    /// For servers that refuse to run as root: the first of `names` that there is, or ourselves if we are not root.
    pub(crate) fn not_root(names: &[&str]) -> Owner {
        let status = fs::read_to_string("/proc/self/status").expect("/proc");
        let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let find = |name: &&str| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(|number| number.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        };
        Owner(names.iter().find_map(find).filter(|_| root))
    }

    pub(crate) fn run(self, command: &mut Command) {
        if let Some((user, group)) = self.0 {
            command.gid(group).uid(user);
        }
    }
}

/// Where the program `name` is: on the path, or in one of the `folders` besides. If it is nowhere, says so.
pub(crate) fn find(name: &str, folders: &[PathBuf], package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|path| Path::is_file(path));
    if found.is_none() {
        say(&format!("skipped: there is no {name} (apt-get install {package})"));
    }
    found
}
