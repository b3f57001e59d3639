//! The commands of `redis_like`: from a request to the reply that goes out.

use crate::resp::{Request, number, put_array, put_bulk, put_error, put_integer, put_number};
use crate::store::{List, Store, Value};
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// Why a command is refused, in Redis's words, which clients know.
enum Refusal<'a> {
    Unknown(&'a [u8]),
    ArgumentCount(&'a [u8]),
    Syntax,
    NotANumber,
    Overflow,
    ExpireTime,
    WrongType,
}

impl Display for Refusal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The client's own words: without line ends, and no more than a line has room for.
        let shown = |name: &[u8]| name[..name.len().min(128)].escape_ascii().to_string();
        match self {
            Refusal::Unknown(name) => write!(f, "ERR unknown command '{}'", shown(name)),
            Refusal::ArgumentCount(name) => {
                write!(f, "ERR wrong number of arguments for '{}' command", shown(name).to_lowercase())
            }
            Refusal::Syntax => f.write_str("ERR syntax error"),
            Refusal::NotANumber => f.write_str("ERR value is not an integer or out of range"),
            Refusal::Overflow => f.write_str("ERR increment or decrement would overflow"),
            Refusal::ExpireTime => f.write_str("ERR invalid expire time"),
            Refusal::WrongType => {
                f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value")
            }
        }
    }
}

/// Does what `request` asks for, and appends the reply to `output`. An empty request has none.
pub(crate) fn execute(store: &mut Store, request: Request<'_>, now: Instant, output: &mut Vec<u8>) {
    if request.count() == 0 {
        return;
    }
    let before = output.len();
    if let Err(refusal) = dispatch(store, request, now, output) {
        output.truncate(before);
        put_error(refusal, output);
    }
}

fn dispatch<'a>(
    store: &mut Store,
    request: Request<'a>,
    now: Instant,
    output: &mut Vec<u8>,
) -> Result<(), Refusal<'a>> {
    let given = request.from(0).next().unwrap_or_default();
    // No command has a longer name; in a larger array the compiler would have to call memset.
    let mut name = [0; 8];
    let Some(name) = name.get_mut(..given.len()) else { return Err(Refusal::Unknown(given)) };
    name.copy_from_slice(given);
    name.make_ascii_uppercase();

    match (&*name, request.count() - 1) {
        (b"PING", 0) => output.extend_from_slice(b"+PONG\r\n"),
        (b"PING" | b"ECHO", 1) => put_bulk(&request[1], output),
        (b"GET", 1) => match store.get(&request[1], now) {
            None => put_nothing(output),
            Some(Value::Text(text)) => put_bulk(text, output),
            Some(Value::List(_)) => return Err(Refusal::WrongType),
        },
        (b"SET", 2..) => set(store, request, now, output)?,
        (b"DEL", 1..) => put_count(request.from(1).filter(|key| store.remove(key, now)), output),
        (b"EXISTS", 1..) => put_count(request.from(1).filter(|key| store.get(key, now).is_some()), output),
        (b"INCR", 1) => put_integer(increment(store, &request[1], now)?, output),
        (b"EXPIRE", 2) => {
            let seconds = number(&request[2]).ok_or(Refusal::NotANumber)?;
            let there = match u64::try_from(seconds) {
                Ok(seconds @ 1..) => {
                    store.expire(&request[1], end_after(Duration::from_secs(seconds), now)?, now)
                }
                // A moment that is over: the key goes at once.
                _ => store.remove(&request[1], now),
            };
            put_integer(there.into(), output);
        }
        (b"TTL", 1) => {
            let left = match store.time_left(&request[1], now) {
                None => -2,
                Some(None) => -1,
                Some(Some(left)) => left.as_millis().div_ceil(1000) as i64,
            };
            put_integer(left, output);
        }
        (b"LPUSH", 2..) => {
            let push = |value: &mut Value| {
                let list = list(value)?;
                request.from(2).for_each(|item| list.push_front(item.into()));
                Ok(list.len())
            };
            let length = store.change(&request[1], now, || Value::List(List::new()), push)?;
            put_integer(length as i64, output);
        }
        (b"LRANGE", 3) => range(store, request, now, output)?,
        // What clients ask before they begin: there is nothing to be told of commands and settings.
        (b"COMMAND", _) => put_array(0, output),
        (b"CONFIG", 2) if request[1].eq_ignore_ascii_case(b"GET") => {
            put_array(2, output);
            put_bulk(&request[2], output);
            put_bulk(b"", output);
        }
        (
            b"PING" | b"ECHO" | b"GET" | b"SET" | b"DEL" | b"EXISTS" | b"INCR" | b"EXPIRE" | b"TTL"
            | b"LPUSH" | b"LRANGE" | b"CONFIG",
            _,
        ) => return Err(Refusal::ArgumentCount(given)),
        _ => return Err(Refusal::Unknown(given)),
    }
    Ok(())
}

/// `SET key text [NX | XX] [EX seconds | PX milliseconds]`
fn set(
    store: &mut Store,
    request: Request<'_>,
    now: Instant,
    output: &mut Vec<u8>,
) -> Result<(), Refusal<'static>> {
    let (mut wanted, mut end) = (None, None);
    let mut options = request.from(3);
    while let Some(option) = options.next() {
        let is = |name: &[u8]| option.eq_ignore_ascii_case(name);
        if wanted.is_none() && (is(b"NX") || is(b"XX")) {
            wanted = Some(is(b"XX"));
        } else if end.is_none() && (is(b"EX") || is(b"PX")) {
            let length = number(options.next().ok_or(Refusal::Syntax)?).ok_or(Refusal::NotANumber)?;
            let length = u64::try_from(length).ok().filter(|length| *length > 0);
            let unit = if is(b"EX") { Duration::from_secs } else { Duration::from_millis };
            end = Some(end_after(unit(length.ok_or(Refusal::ExpireTime)?), now)?);
        } else {
            return Err(Refusal::Syntax);
        }
    }
    if wanted.is_some_and(|there| there != store.get(&request[1], now).is_some()) {
        put_nothing(output);
        return Ok(());
    }
    store.set(&request[1], &request[2], end);
    output.extend_from_slice(b"+OK\r\n");
    Ok(())
}

fn increment(store: &mut Store, key: &[u8], now: Instant) -> Result<i64, Refusal<'static>> {
    let increment = |value: &mut Value| {
        let Value::Text(text) = value else { return Err(Refusal::WrongType) };
        let next = number(text).ok_or(Refusal::NotANumber)?.checked_add(1).ok_or(Refusal::Overflow)?;
        text.clear();
        put_number(next, text);
        Ok(next)
    };
    store.change(key, now, || Value::Text(b"0".into()), increment)
}

/// `LRANGE key first last`: both count from the end if they are negative.
fn range(
    store: &mut Store,
    request: Request<'_>,
    now: Instant,
    output: &mut Vec<u8>,
) -> Result<(), Refusal<'static>> {
    let first = number(&request[2]).ok_or(Refusal::NotANumber)?;
    let last = number(&request[3]).ok_or(Refusal::NotANumber)?;
    let Some(value) = store.get(&request[1], now) else {
        put_array(0, output);
        return Ok(());
    };
    let list = list(value)?;
    let length = list.len() as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(length).max(-1) } else { index };
    let (first, end) = (place(first).max(0), place(last).min(length - 1) + 1);
    if first >= end {
        put_array(0, output);
        return Ok(());
    }
    put_array((end - first) as usize, output);
    list.range(first as usize..end as usize).for_each(|item| put_bulk(item, output));
    Ok(())
}

fn list(value: &mut Value) -> Result<&mut List, Refusal<'static>> {
    match value {
        Value::List(list) => Ok(list),
        Value::Text(_) => Err(Refusal::WrongType),
    }
}

fn end_after(length: Duration, now: Instant) -> Result<Instant, Refusal<'static>> {
    now.checked_add(length).ok_or(Refusal::ExpireTime)
}

fn put_nothing(output: &mut Vec<u8>) {
    output.extend_from_slice(b"$-1\r\n");
}

fn put_count<'a>(found: impl Iterator<Item = &'a [u8]>, output: &mut Vec<u8>) {
    put_integer(found.count() as i64, output);
}
