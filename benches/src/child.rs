//! A process that measures something and prints it as one line of JSON.

use std::{
    io,
    process::{Command, Stdio},
};

/// The last line that a child printed: one object without nested ones.
pub(crate) struct Answer {
    line: String,
}

/// Runs a child to its end.
pub(crate) fn ask(command: &mut Command) -> io::Result<Answer> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let line = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?}: {}: {line}", output.status)));
    }
    Ok(Answer { line })
}

impl Answer {
    pub(crate) fn number(&self, key: &str) -> io::Result<f64> {
        self.find(key).ok_or_else(|| io::Error::other(format!("no number {key} in {}", self.line)))
    }

    fn find(&self, key: &str) -> Option<f64> {
        let (_, rest) = self.line.split_once(&format!("\"{key}\":"))?;
        rest.split([',', '}']).next()?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_by_its_whole_key() {
        let answer = Answer { line: r#"{"case":"x","min_ns_per_op":1.5,"ns_per_op": 2.5,"reps":5}"#.into() };
        assert_eq!(answer.number("ns_per_op").unwrap(), 2.5);
        assert_eq!(answer.number("reps").unwrap(), 5.0);
        assert!(answer.number("case").is_err());
        assert!(answer.number("per_op").is_err());
    }

    #[test]
    fn a_child_that_fails_gives_no_answer() {
        let mut command = Command::new("sh");
        command.args(["-c", r#"echo '{"case":"x","error":"unsupported"}'; exit 3"#]);
        let error = ask(&mut command).map(drop).unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("unsupported"), "{error}");
    }
}
