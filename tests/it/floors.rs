//! The house has floors: a module uses only what stands below it, and this test is the one that knows the order.
//!
//! It reads `src/` as text: comments and literals blanked, `crate::…`, `super::…` and `self::…` followed to the
//! module at the crate's root that they name. It also checks what the house asks of each file and each unsafe block.

use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. A module may name itself and those that stand before it; `lib.rs` may name all.
const FLOORS: &str = "
    shim sys probe
    stack
    greenlet generator
    hub
    park
    queue sync thread time
    executor wait future pool
    io net os signal process fs
    monkey debug runtime server
";

/// Other crates that have one door each: the name, and where it may stand.
const DOORS: &[(&str, &[&str])] = &[
    ("corosensei", &["greenlet/switch.rs"]),
    ("mio", &["hub/", "net/"]),
    ("signal_hook", &["signal.rs", "process/sigchld.rs"]),
];

/// Names for files that hold whatever found no place.
const NO_NOUNS: &[&str] = &["util", "utils", "common", "misc", "helpers", "inner", "types"];

#[test]
fn no_module_uses_one_that_stands_above_it() {
    assert_none(all_files().iter().flat_map(|(path, text)| upward_uses(path, text)));
}

#[test]
fn every_file_belongs_to_a_floor_and_says_its_noun_in_its_first_line() {
    assert_none(all_files().iter().flat_map(|(path, text)| faults_of_the_head(path, text)));
}

#[test]
fn every_unsafe_block_says_what_makes_it_right() {
    assert_none(all_files().iter().flat_map(|(path, text)| bare_unsafe(path, text)));
}

#[test]
fn other_crates_are_named_only_behind_their_doors() {
    assert_none(all_files().iter().flat_map(|(path, text)| outside_the_door(path, text)));
}

#[track_caller]
fn assert_none(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// All sources, by their path below `src/`. Under the frame, as other tests leave the process no descriptors for a while.
fn all_files() -> Vec<(String, String)> {
    crate::support::guard(read_all_files)
}

fn read_all_files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 10, "the sources are not where this test looks");
    files.sort();
    let name = |path: &Path| path.strip_prefix(&root).expect("below src").to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).expect("readable"))).collect()
}

// ---- the order ----

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.split_whitespace().position(|name| name == module)
}

/// The path of the module that is the file `path`, from the crate's root: `hub/turn.rs` is `[hub, turn]`.
fn module_of(path: &str) -> Vec<String> {
    let mut module: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

/// One line for each path in `text` that leads to a later floor, or to the root's own names.
fn upward_uses(path: &str, text: &str) -> Vec<String> {
    let home = module_of(path);
    let Some(own) = home.first() else { return Vec::new() };
    let Some(here) = floor_of(own) else { return Vec::new() };
    let fault = |(line, module): (usize, String)| match floor_of(&module) {
        Some(there) if there <= here => None,
        Some(_) => Some(format!("src/{path}:{line}: `{own}` uses `{module}`, which stands above it")),
        None => {
            Some(format!("src/{path}:{line}: `{own}` uses `{module}` of the crate's root, which is no floor"))
        }
    };
    uses(&home, &tokens(text)).into_iter().filter_map(fault).collect()
}

/// The modules at the crate's root that paths in a file of module `home` lead to, with their lines.
fn uses(home: &[String], tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut module = home.to_vec();
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "mod" if is(tokens, at + 2, "{") => {
                module.push(tokens[at + 1].text.to_owned());
                braces.push(true);
                at += 3;
                continue;
            }
            "{" => braces.push(false),
            "}" if braces.pop() == Some(true) => drop(module.pop()),
            "crate" | "super" | "self" | "greenroom"
                if is(tokens, at + 1, "::") && !is_inside_a_path(tokens, at) =>
            {
                at = follow(&module, tokens, at, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is(tokens: &[Token<'_>], at: usize, text: &str) -> bool {
    tokens.get(at).is_some_and(|token| token.text == text)
}

fn is_inside_a_path(tokens: &[Token<'_>], at: usize) -> bool {
    at > 0 && tokens[at - 1].text == "::"
}

/// Follows one path or tree of paths that starts at `at`, in a place of module `from`; returns where it ends.
fn follow(from: &[String], tokens: &[Token<'_>], at: usize, found: &mut Vec<(usize, String)>) -> usize {
    let Some(Token { text, line }) = tokens.get(at) else { return at };
    let goes_on = is(tokens, at + 1, "::");
    match *text {
        "crate" | "greenroom" if goes_on => follow(&[], tokens, at + 2, found),
        "self" if goes_on => follow(from, tokens, at + 2, found),
        "super" if goes_on => follow(&from[..from.len().saturating_sub(1)], tokens, at + 2, found),
        "{" => {
            let mut at = at + 1;
            while at < tokens.len() && !is(tokens, at, "}") {
                let end = follow(from, tokens, at, found);
                at = if is(tokens, end, ",") || end == at { end.max(at) + 1 } else { end };
            }
            at + 1
        }
        name => {
            // Only a step from the crate's root is news: below a module nothing leads out of it again. An exported macro
            // stands at the root wherever it is written.
            if from.is_empty() && !is(tokens, at + 1, "!") {
                found.push((*line, name.to_owned()));
            }
            let mut at = at + 1;
            while is(tokens, at, "::") {
                at += 1;
                if is(tokens, at, "{") {
                    return follow(&["below".to_owned()], tokens, at, found);
                }
                at += 1;
            }
            if is(tokens, at, "as") { at + 2 } else { at }
        }
    }
}

// ---- the head, the doors, the unsafe blocks ----

fn faults_of_the_head(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(module) = module_of(path).first()
        && floor_of(module).is_none()
    {
        faults.push(format!("src/{path}:1: `{module}` stands on no floor"));
    }
    let first = text.lines().next().unwrap_or_default();
    // The crate's first page is the README.
    if path != "lib.rs" && first.strip_prefix("//! ").is_none_or(|noun| noun.len() < 12) {
        faults.push(format!("src/{path}:1: the first line does not say what the file is"));
    }
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    if NO_NOUNS.contains(&stem) {
        faults.push(format!("src/{path}:1: `{stem}` is not a noun of this house"));
    }
    faults
}

fn outside_the_door(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for token in tokens(text) {
        for (name, doors) in DOORS {
            if token.text == *name && !doors.iter().any(|door| path.starts_with(door)) {
                faults.push(format!("src/{path}:{}: `{name}` is named outside {doors:?}", token.line));
            }
        }
    }
    faults
}

/// One line for each `unsafe` block or impl without an argument above it, or beside it.
fn bare_unsafe(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let tokens = tokens(text);
    let opens = |at: usize| is(&tokens, at, "{") || is(&tokens, at, "impl") || is(&tokens, at, "extern");
    let is_type = |at: usize| is(&tokens, at + 1, "extern") && !is(&tokens, at + 2, "{");
    tokens
        .iter()
        .enumerate()
        .filter(|(at, token)| token.text == "unsafe" && opens(at + 1) && !is_type(*at))
        .filter(|(_, token)| !argues(&argument_above(&lines, token.line)))
        .map(|(_, token)| format!("src/{path}:{}: unsafe without a `// SAFETY:` that says why", token.line))
        .collect()
}

/// The comment that belongs to the statement on `line` (counted from 1): on the line, or above its first line.
fn argument_above(lines: &[&str], line: usize) -> String {
    let mut comment = Vec::new();
    let mut at = line - 1;
    while at > 0 {
        let above = lines[at - 1].trim();
        let ends_a_statement =
            above.is_empty() || above.ends_with([';', '{', '}', ',']) && !above.starts_with("//");
        if ends_a_statement {
            break;
        }
        if above.starts_with("//") {
            comment.insert(0, above.trim_start_matches('/').trim());
        } else if !comment.is_empty() {
            break;
        }
        at -= 1;
    }
    comment.join(" ")
}

/// Whether a comment is an argument: what follows `SAFETY:` cites a hazard of the list (S1 to S31) or is a sentence.
fn argues(comment: &str) -> bool {
    let Some((_, argument)) = comment.split_once("SAFETY:") else { return false };
    let cites = argument.split(|c: char| !c.is_alphanumeric()).any(is_hazard);
    cites || argument.split_whitespace().count() >= 2
}

fn is_hazard(word: &str) -> bool {
    word.strip_prefix('S')
        .and_then(|number| number.parse().ok())
        .is_some_and(|number: u32| (1..=31).contains(&number))
}

// ---- reading ----

#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// Words, `::` and single marks; comments, literals and lifetimes are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < text.len() {
        let rest = &text[at..];
        let length = skipped(rest).unwrap_or_else(|| {
            let length = token_length(rest);
            found.push(Token { text: &rest[..length], line });
            length
        });
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

fn token_length(rest: &str) -> usize {
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    match word {
        0 if rest.starts_with("::") => 2,
        0 => rest.chars().next().map_or(1, char::len_utf8),
        length => length,
    }
}

/// How long the blank, comment, literal or lifetime is that `rest` starts with.
fn skipped(rest: &str) -> Option<usize> {
    let until =
        |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    match rest.as_bytes() {
        [b' ' | b'\t' | b'\r' | b'\n', ..] => Some(1),
        [b'/', b'/', ..] => Some(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(until("*/", 2)),
        [b'b' | b'c', b'"', ..] => Some(1 + quoted(&rest[1..], '"')),
        [b'"', ..] => Some(quoted(rest, '"')),
        [b'r', b'"' | b'#', ..] | [b'b' | b'c', b'r', b'"' | b'#', ..] => {
            let opening = rest.find('"')?;
            let hashes = rest[..opening].matches('#').count();
            let only_marks = rest[..opening].chars().all(|c| matches!(c, 'r' | 'b' | 'c' | '#'));
            only_marks.then(|| until(&format!("\"{}", "#".repeat(hashes)), opening + 1))
        }
        [b'\'', b'\\', ..] => Some(quoted(rest, '\'')),
        [b'\'', ..] => {
            let letter = rest[1..].chars().next().map_or(0, char::len_utf8);
            let is_literal = rest[1 + letter..].starts_with('\'');
            Some(if is_literal { letter + 2 } else { 1 + token_length(&rest[1..]) })
        }
        _ => None,
    }
}

/// The length of a literal that starts with `mark`, a backslash hiding the next character.
fn quoted(rest: &str, mark: char) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

// ---- the checker, checked ----

#[test]
fn a_planted_import_of_a_later_floor_is_named_with_file_and_line() {
    let planted = "//! A file.\nuse std::io;\nuse crate::hub::Hub;\n";
    let fault = "src/stack/guard.rs:3: `stack` uses `hub`, which stands above it";
    assert_eq!(upward_uses("stack/guard.rs", planted), [fault]);
    assert_eq!(upward_uses("hub/turn.rs", planted), [""; 0]);
    assert_eq!(upward_uses("park/mod.rs", planted), [""; 0]);
    assert_eq!(upward_uses("lib.rs", planted), [""; 0]);
}

#[test]
fn every_shape_of_a_path_is_followed() {
    let upward = |text: &str| upward_uses("hub/turn.rs", text).len();
    for text in [
        "use crate::{stack::Pool, thread::spawn};",
        "use crate::{self as me, thread as t};",
        "use crate::{stack::{Pool, Stack}, park};",
        "fn f() { crate::runtime::run(|| ()) }",
        "use super::super::thread;",
        "use super::{super::thread::Thread, ready};",
        "pub use self::super::super::time::timeout;",
        "mod tests { use super::super::super::wait; }",
        "mod tests { fn f() {} use crate::net::{TcpListener}; }",
        "type T = <crate::thread::Thread as Clone>::Own;",
        "fn f<'a>(c: char) -> bool { c == '\"' || crate::time::x() }",
        "macro_rules! m { () => { $crate::thread::spawn } }",
        "use crate::JoinError;",
        "use crate::*;",
        "use greenroom::time;",
    ] {
        let found = upward(text);
        assert!(found >= 1, "not seen: {text}");
    }
    for text in [
        "use crate::{stack::Pool, greenlet::{chain, switch::Step}, hub::task};",
        "use super::{ready::Ready, clock};",
        "mod tests { use super::super::ready; use super::*; }",
        "mod one { mod two { use super::super::super::ready; } }",
        "//! [`Runtime`]: crate::runtime::Runtime\n/// [`x`](crate::thread::x)\n/* crate::time */",
        "const TEXT: &str = \"crate::thread \\\" crate::time\"; const RAW: &str = r#\"crate::\"net\"#;",
        "use std::thread; use std::time::Duration; use mio::net;",
        "fn f(&self) { self.thread(); Self::time(); }",
        "macro_rules! m { () => { $crate::green_local!() } }",
    ] {
        assert_eq!(upward_uses("hub/turn.rs", text), [""; 0], "{text}");
    }
}

#[test]
fn an_unsafe_block_without_an_argument_is_named_with_file_and_line() {
    let faults = |text: &str| bare_unsafe("a.rs", text).len();
    assert_eq!(
        bare_unsafe("a.rs", "fn f() {\n    unsafe { g() }\n}"),
        ["src/a.rs:2: unsafe without a `// SAFETY:` that says why"]
    );
    for bare in [
        "// SAFETY:\nunsafe impl Send for X {}",
        "// It is fine.\nunsafe { g() }",
        "// SAFETY: Untriaged\nunsafe { g() }",
        "// SAFETY: the pointer is live.\nf();\nunsafe { g() }",
        "// SAFETY: the pointer is live.\n\nunsafe { g() }",
    ] {
        assert_eq!(faults(bare), 1, "{bare}");
    }
    for argued in [
        "// SAFETY: S7.\nunsafe { g() }",
        "// SAFETY: the table holds it\n// until the end.\nlet x =\n    unsafe { g() };",
        "// SAFETY: the type has no fields.\n#[cfg(loom)]\nunsafe impl Send for X {}",
        "// unsafe { in a comment }\nlet text = \"unsafe {\";",
        "type F = unsafe extern \"C\" fn(i32); /// # Safety\nunsafe fn f() {}",
    ] {
        assert_eq!(faults(argued), 0, "{argued}");
    }
}

#[test]
fn a_file_without_a_noun_or_a_floor_is_named() {
    assert_eq!(faults_of_the_head("hub/turn.rs", "//! One turn of the hub.\n"), [""; 0]);
    assert_eq!(faults_of_the_head("hub/turn.rs", "use std::io;\n").len(), 1);
    assert_eq!(faults_of_the_head("hub/util.rs", "//! Things that are useful.\n").len(), 1);
    assert_eq!(
        faults_of_the_head("attic.rs", "//! What nobody needs any more.\n"),
        ["src/attic.rs:1: `attic` stands on no floor"]
    );
    assert_eq!(
        outside_the_door("stack/mod.rs", "//! Memory.\nuse corosensei::stack;\n"),
        ["src/stack/mod.rs:2: `corosensei` is named outside [\"greenlet/switch.rs\"]"]
    );
}
