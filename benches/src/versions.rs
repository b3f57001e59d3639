//! The versions of the rivals, as this program was built with them.

/// What is measured, in the order of the columns, with a word on how.
const RIVALS: [(&str, &str); 16] = [
    ("async-channel", ""),
    ("async-executor", " (smol, one thread)"),
    ("async-io", " (smol)"),
    ("async-lock", ""),
    ("corosensei", " (raw: the limit)"),
    ("crossbeam-channel", ""),
    ("flume", ""),
    ("generator", ""),
    ("hyper", ""),
    ("may", " (one worker)"),
    ("may_minihttp", ""),
    ("monoio", " (epoll driver)"),
    ("parking_lot", ""),
    ("rayon", ""),
    ("threadpool", ""),
    ("tokio", " (current thread)"),
];

/// Such as `tokio 1.2.3 (current thread)`; what the build has not is left out.
pub(crate) fn rivals() -> Vec<String> {
    let version = |(name, how)| Some(format!("{name} {}{how}", version_of(name, LOCK)?));
    RIVALS.into_iter().filter_map(version).collect()
}

const LOCK: &str = include_str!("../../Cargo.lock");

fn version_of<'a>(name: &str, lock: &'a str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    rest.split_once('"').map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"may_queue\"\nversion = \"0.1\"\n[[package]]\nname = \"may\"\nversion = \"0.3\"\n";
        assert_eq!((version_of("may", lock), version_of("tokio", lock)), (Some("0.3"), None));
    }
}
