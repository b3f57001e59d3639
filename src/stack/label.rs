//! Who uses a stack, as an overflow report says it.

use std::fmt;
use std::panic::Location;

/// What an overflow report says about the user of a stack. Its address must stay valid while the stack is bound.
#[derive(Debug)]
pub(crate) struct Label {
    /// "green thread", "greenlet" or "generator".
    pub(crate) kind: &'static str,
    pub(crate) name: Option<Box<str>>,
    /// Where it was spawned or made.
    pub(crate) site: &'static Location<'static>,
    /// Bytes of stack that it was promised.
    pub(crate) size: usize,
}

/// The sentence of the report. It allocates nothing and takes no lock: it is formatted in a signal handler.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stack overflow in {}", self.kind)?;
        if let Some(name) = &self.name {
            write!(f, " \"{name}\"")?;
        }
        let made = if self.kind == "green thread" { "spawned" } else { "created" };
        write!(f, ", {made} at {}:{}:{}", self.site.file(), self.site.line(), self.site.column())?;
        write!(f, ": its stack of {} bytes ({} KiB) is used up", self.size, self.size >> 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_user_site_and_size() {
        let site = Location::caller();
        let (file, line, column) = (site.file(), site.line(), site.column());
        let mut label = Label { kind: "green thread", name: Some("deep".into()), site, size: 262_144 };
        assert_eq!(
            label.to_string(),
            format!(
                "stack overflow in green thread \"deep\", spawned at {file}:{line}:{column}: \
                 its stack of 262144 bytes (256 KiB) is used up"
            )
        );
        label.kind = "greenlet";
        label.name = None;
        assert!(label.to_string().starts_with("stack overflow in greenlet, created at "));
    }
}
