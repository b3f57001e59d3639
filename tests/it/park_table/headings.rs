//! Reads from the sources which functions say that they may switch.

use std::fs;
use std::path::Path;

/// The names of all functions whose `# Switching` says May or Always: `module::Type::function` or `module::function`.
pub(super) fn of_the_crate() -> Vec<String> {
    let (mut names, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                names.extend(of_a_file(&top_module(&path), &fs::read_to_string(&path).expect("readable")));
            }
        }
    }
    names
}

/// `net` for `src/net/stream.rs` and for `src/net.rs`.
fn top_module(path: &Path) -> String {
    let below = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("below src");
    let first = below.components().next().expect("a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn of_a_file(module: &str, text: &str) -> Vec<String> {
    let (mut names, mut docs, mut around) = (Vec::new(), Vec::new(), None);
    for line in text.lines() {
        let code = line.trim_start();
        if let Some(doc) = code.strip_prefix("///") {
            docs.push(doc.trim());
            continue;
        }
        if line.starts_with('}') {
            around = None;
        } else if let Some(owner) = owner_of_a_block(line) {
            around = Some(owner);
        } else if let Some(function) = function_of(code)
            && may_switch(&docs)
        {
            let owner = around.as_ref().map(|owner| format!("{owner}::")).unwrap_or_default();
            names.push(format!("{module}::{owner}{function}"));
        }
        if !code.starts_with("#[") && !code.is_empty() {
            docs.clear();
        }
    }
    names
}

/// The type of an `impl` or the name of a `trait` that begins on this line, at the margin.
fn owner_of_a_block(line: &str) -> Option<String> {
    let block = if let Some(rest) = line.strip_prefix("impl") {
        let rest = without_generics(rest);
        rest.split_once(" for ").map_or(rest.clone(), |(_, owner)| owner.to_owned())
    } else {
        line.strip_prefix("pub trait ")?.to_owned()
    };
    let name: String =
        block.trim_start().trim_start_matches(['&', '\'']).chars().take_while(is_of_a_word).collect();
    (!name.is_empty()).then_some(name)
}

/// `impl<'a, T: Into<X>> Y` is ` Y`.
fn without_generics(rest: &str) -> String {
    let mut depth = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return rest[at..].trim_start_matches('>').to_owned();
        }
    }
    String::new()
}

fn function_of(code: &str) -> Option<String> {
    let words = code.strip_prefix("pub ").unwrap_or(code);
    let words =
        ["const ", "unsafe "].iter().fold(words, |words, word| words.strip_prefix(word).unwrap_or(words));
    Some(words.strip_prefix("fn ")?.chars().take_while(is_of_a_word).collect())
}

fn is_of_a_word(c: &char) -> bool {
    c.is_alphanumeric() || *c == '_'
}

fn may_switch(docs: &[&str]) -> bool {
    let after = docs.iter().skip_while(|line| **line != "# Switching").skip(1);
    after.copied().find(|line| !line.is_empty()).is_some_and(|says| !says.starts_with("Never"))
}

#[test]
fn functions_of_every_shape_are_found() {
    let text = "
/// Waits.
///
/// # Switching
///
/// May, if there is nothing.
///
/// # Errors
#[inline]
pub fn free<T>(t: T) {}

/// # Switching
///
/// Never.
pub fn never() {}

impl<'a, T: Into<Vec<u8>>> Owner<'a, T> {
    /// # Switching
    ///
    /// Always.
    pub const fn method(&self) {
        /// # Switching
        fn local() {}
    }

    pub fn silent(&self) {}
}

impl Read for &TcpStream {
    /// # Switching
    ///
    /// May, when nothing has arrived.
    fn read(&mut self) {}
}

pub trait Named {
    /// # Switching
    ///
    /// May.
    fn of_a_trait(&self);
}
";
    assert_eq!(
        of_a_file("m", text),
        ["m::free", "m::Owner::method", "m::TcpStream::read", "m::Named::of_a_trait"]
    );
}
