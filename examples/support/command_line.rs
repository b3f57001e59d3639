//! The command line of an example: one plain word at most, options, one clear line for a misuse.
#![allow(dead_code, reason = "each example compiles this file for itself and asks only for what it takes")]

use std::{env, fmt::Display, io, process, process::ExitCode, str::FromStr};

/// The words that the program was called with; each question takes its answer out of them.
pub(crate) struct CommandLine {
    usage: &'static str,
    words: Vec<String>,
}

impl CommandLine {
    /// Reads the words of this process; `usage` begins with the program's name and answers `--help`.
    pub(crate) fn new(usage: &'static str) -> Self {
        let words: Vec<String> =
            env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        if words.iter().any(|word| word == "--help" || word == "-h") {
            println!("{usage}");
            process::exit(0);
        }
        CommandLine { usage, words }
    }

    /// For a program that takes no argument.
    pub(crate) fn take_nothing(usage: &'static str) {
        CommandLine::new(usage).end();
    }

    /// Whether `--name` is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let found = self.words.iter().position(|word| word == name);
        found.map(|at| self.words.remove(at)).is_some()
    }

    /// The whole number of at least 1 behind `--name`.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.remove(at);
        if at == self.words.len() {
            self.refuse(format_args!("{name} needs a number"));
        }
        let word = self.words.remove(at);
        Some(self.positive(&word, name))
    }

    /// The word behind `--name`.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let at = self.words.iter().position(|word| word == name)?;
        self.words.remove(at);
        if at == self.words.len() {
            self.refuse(format_args!("{name} needs a word"));
        }
        Some(self.words.remove(at))
    }

    /// The first plain word, as a whole number of at least 1. Ask after the options.
    pub(crate) fn count(&mut self) -> Option<u64> {
        let word = self.plain_word()?;
        Some(self.positive(&word, "the first argument"))
    }

    /// The first plain word, as HOST:PORT. Ask after the options.
    pub(crate) fn address(&mut self) -> Option<String> {
        let word = self.plain_word()?;
        match word.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && u16::from_str(port).is_ok() => Some(word),
            _ => self.refuse(format_args!("{word:?} is not an address like 127.0.0.1:9090")),
        }
    }

    /// The first plain word. Ask after the options.
    pub(crate) fn word(&mut self) -> Option<String> {
        self.plain_word()
    }

    /// Refuses whatever nobody asked for.
    pub(crate) fn end(&self) {
        if let Some(word) = self.words.first() {
            self.refuse(format_args!("{word:?} means nothing here"));
        }
    }

    /// The program's end: nothing to say on success, else one line on standard error and exit code 1.
    pub(crate) fn conclude(&self, result: io::Result<()>) -> ExitCode {
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.program());
                ExitCode::FAILURE
            }
        }
    }

    fn plain_word(&mut self) -> Option<String> {
        let plain = self.words.first().is_some_and(|word| !word.starts_with('-'));
        plain.then(|| self.words.remove(0))
    }

    fn positive(&self, word: &str, what: &str) -> u64 {
        match u64::from_str(word) {
            Ok(number) if number > 0 => number,
            _ => self.refuse(format_args!("{what}: {word:?} is not a whole number of at least 1")),
        }
    }

    /// Ends the program with one line about a misuse.
    pub(crate) fn refuse(&self, reason: impl Display) -> ! {
        eprintln!("{}: {reason} (--help says what there is)", self.program());
        process::exit(2)
    }

    fn program(&self) -> &'static str {
        self.usage.split([' ', ':']).next().unwrap_or_default()
    }
}
