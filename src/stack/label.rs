//! Who uses a stack, as an overflow report says it.

use std::fmt;
use std::panic::Location;

/// What uses a stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    GreenThread,
    Greenlet,
    Generator,
    /// The code on an OS thread's own stack.
    Root,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::GreenThread => "green thread",
            Kind::Greenlet => "greenlet",
            Kind::Generator => "generator",
            Kind::Root => "root",
        })
    }
}

/// What an overflow report says about the user of a stack. Its address must stay valid while the stack is bound.
///
/// It is part of each record, and so three words.
#[derive(Debug)]
pub(crate) struct Label {
    /// Where it was spawned or made.
    pub(crate) site: &'static Location<'static>,
    /// Boxed twice: few have one.
    name: Option<Box<Box<str>>>,
    /// Stack that it was promised.
    kib: u32,
    pub(crate) kind: Kind,
}

impl Label {
    #[inline(always)]
    pub(crate) fn new(
        kind: Kind,
        name: Option<Box<str>>,
        site: &'static Location<'static>,
        kib: u32,
    ) -> Label {
        Label { site, name: name.map(Box::new), kib, kind }
    }

    /// Bytes of its stack, or a little less.
    #[allow(dead_code, reason = "only `monkey` asks")]
    #[inline(always)]
    pub(crate) fn stack_size(&self) -> usize {
        (self.kib as usize) << 10
    }

    #[inline(always)]
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }
}

/// The sentence of the report. It allocates nothing and takes no lock: it is formatted in a signal handler.
impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stack overflow in {}", self.kind)?;
        if let Some(name) = self.name() {
            write!(f, " \"{name}\"")?;
        }
        let made = if self.kind == Kind::GreenThread { "spawned" } else { "created" };
        write!(f, ", {made} at {}:{}:{}", self.site.file(), self.site.line(), self.site.column())?;
        write!(f, ": its stack of {} bytes ({} KiB) is used up", u64::from(self.kib) << 10, self.kib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_user_site_and_size() {
        let site = Location::caller();
        let (file, line, column) = (site.file(), site.line(), site.column());
        let mut label = Label::new(Kind::GreenThread, Some("deep".into()), site, 256);
        assert_eq!(
            label.to_string(),
            format!(
                "stack overflow in green thread \"deep\", spawned at {file}:{line}:{column}: \
                 its stack of 262144 bytes (256 KiB) is used up"
            )
        );
        label.kind = Kind::Greenlet;
        label.name = None;
        assert!(label.to_string().starts_with("stack overflow in greenlet, created at "));
    }
}
