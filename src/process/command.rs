//! How a process is to be started.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{self, CommandArgs, CommandEnvs, ExitStatus, Output, Stdio};

use super::child::Child;

/// A process to be started; the counterpart of [`std::process::Command`].
///
/// What it has not, std's has: [`as_std_mut`](Self::as_std_mut) lends it, for the methods of
/// [`CommandExt`](std::os::unix::process::CommandExt) among others.
///
/// # Examples
///
/// ```
/// use greenroom::process::Command;
///
/// # greenroom::run(|| -> std::io::Result<()> {
/// let output = Command::new("sh").args(["-c", "echo $WORD"]).env("WORD", "hello").output()?;
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok(()) })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Command {
    std: process::Command,
    /// Which of the three streams were said to be something: the others are inherited, or piped by `output`.
    said: [bool; 3],
    by_signal: bool,
}

impl Command {
    /// Makes a command that starts `program`, looked up in `PATH` if it has no slash.
    pub fn new(program: impl AsRef<OsStr>) -> Command {
        process::Command::new(program).into()
    }

    /// Adds one argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Command {
        self.std.arg(argument);
        self
    }

    /// Adds several arguments.
    pub fn args<I, S>(&mut self, arguments: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(arguments);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Command {
        self.std.env(key, value);
        self
    }

    /// Sets several variables of its environment.
    pub fn envs<I, K, V>(&mut self, variables: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(variables);
        self
    }

    /// Leaves a variable out of its environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Command {
        self.std.env_remove(key);
        self
    }

    /// Starts it with an environment of nothing but what is set after this.
    pub fn env_clear(&mut self) -> &mut Command {
        self.std.env_clear();
        self
    }

    /// Sets the directory in which it starts.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Command {
        self.std.current_dir(directory);
        self
    }

    /// Says what its standard input is: inherited if nobody says, but nothing for [`output`](Self::output).
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Command {
        self.std.stdin(stdin);
        self.said[0] = true;
        self
    }

    /// Says where its standard output goes: inherited if nobody says, but piped for [`output`](Self::output).
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Command {
        self.std.stdout(stdout);
        self.said[1] = true;
        self
    }

    /// Says where its standard error goes: inherited if nobody says, but piped for [`output`](Self::output).
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Command {
        self.std.stderr(stderr);
        self.said[2] = true;
        self
    }

    /// Starts it.
    ///
    /// # Switching
    ///
    /// Never. It blocks the OS thread until the child has begun its program.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) and its like if there is no such program, and the limits of the system.
    pub fn spawn(&mut self) -> io::Result<Child> {
        let mut child = Child::from_std(self.std.spawn()?)?;
        if self.by_signal {
            child.watch_by_signal();
        }
        Ok(child)
    }

    /// Starts it, waits for its end and returns how it ended.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait`].
    ///
    /// # Cancellation
    ///
    /// The child runs on; a daemon reaps it once it has ended, if the hub is still there.
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait_once()
    }

    /// Starts it, waits for its end and returns all it has printed.
    ///
    /// Its output and its errors are piped, and its input is nothing, unless something else was said on this `Command`; what
    /// was said by [`as_std_mut`](Self::as_std_mut) does not count.
    ///
    /// # Switching
    ///
    /// Always.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait_with_output`].
    ///
    /// # Cancellation
    ///
    /// As [`Child::wait_with_output`].
    pub fn output(&mut self) -> io::Result<Output> {
        let said = self.said;
        self.set_unsaid(said, [Stdio::null(), Stdio::piped(), Stdio::piped()]);
        let child = self.spawn();
        self.set_unsaid(said, [Stdio::inherit(), Stdio::inherit(), Stdio::inherit()]);
        child?.wait_with_output()
    }

    fn set_unsaid(&mut self, said: [bool; 3], streams: [Stdio; 3]) {
        let set = [process::Command::stdin, process::Command::stdout, process::Command::stderr];
        for ((stream, said), set) in streams.into_iter().zip(said).zip(set) {
            if !said {
                set(&mut self.std, stream);
            }
        }
    }

    /// Returns the program.
    pub fn get_program(&self) -> &OsStr {
        self.std.get_program()
    }

    /// Returns the arguments.
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.std.get_args()
    }

    /// Returns the variables that were set, and with `None` those that were removed.
    pub fn get_envs(&self) -> CommandEnvs<'_> {
        self.std.get_envs()
    }

    /// Returns the directory in which it is to start, if that was set.
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.std.get_current_dir()
    }

    /// Lends std's command behind this one, for what it has and this one has not.
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.std
    }

    /// Has the ends of its children told by SIGCHLD, as on kernels that know nothing better. For tests of that path.
    #[doc(hidden)]
    pub fn without_pidfd(&mut self) -> &mut Command {
        self.by_signal = true;
        self
    }
}

impl From<process::Command> for Command {
    fn from(std: process::Command) -> Command {
        Command { std, said: [false; 3], by_signal: false }
    }
}

impl From<Command> for process::Command {
    fn from(command: Command) -> process::Command {
        command.std
    }
}
