//! A C library that does its own input and output: libcurl, as its package has it, opened while the program runs.
//!
//! It binds recv, send, poll and connect to the functions of this process, as it would if it were linked.
#![allow(unsafe_code, reason = "calls C")]

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::io::{BufRead, BufReader, Write};
use std::mem::transmute;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use crate::support;

/// How many calls there are at once, and how long the server takes over each.
const CROWD: usize = 20;
const DELAY: Duration = Duration::from_millis(200);

// curl/curl.h
const CURLOPT_URL: c_int = 10002;
const CURLOPT_WRITEDATA: c_int = 10001;
const CURLOPT_WRITEFUNCTION: c_int = 20011;
const CURLOPT_NOSIGNAL: c_int = 99;
const CURLOPT_TIMEOUT_MS: c_int = 155;
const CURLINFO_RESPONSE_CODE: c_int = 0x0020_0002;
const CURLE_OK: c_int = 0;
const CURLE_OPERATION_TIMEDOUT: c_int = 28;
const CURL_GLOBAL_ALL: c_long = 3;

/// The functions of libcurl that we call.
#[derive(Clone, Copy)]
struct Curl {
    init: unsafe extern "C" fn() -> *mut c_void,
    set: unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int,
    perform: unsafe extern "C" fn(*mut c_void) -> c_int,
    get: unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int,
    cleanup: unsafe extern "C" fn(*mut c_void),
}

impl Curl {
    /// None, and a line that says so, if it is not on this machine.
    fn open() -> Option<Curl> {
        // SAFETY: opens a library; the name ends in zero. It stays open for good.
        let library = unsafe { libc::dlopen(c"libcurl.so.4".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            drop(writeln!(std::io::stderr(), "skipped: there is no libcurl.so.4 (apt-get install libcurl4)"));
            return None;
        }
        let find = |name: &CStr| {
            // SAFETY: looks a name up in an open library.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            assert!(!found.is_null(), "{name:?}");
            found
        };
        // SAFETY: these are the functions of those names, with the types that curl/easy.h gives them.
        unsafe {
            static GLOBAL: Once = Once::new();
            let global: unsafe extern "C" fn(c_long) -> c_int = transmute(find(c"curl_global_init"));
            GLOBAL.call_once(|| assert_eq!(global(CURL_GLOBAL_ALL), CURLE_OK));
            Some(Curl {
                init: transmute::<*mut c_void, unsafe extern "C" fn() -> *mut c_void>(find(
                    c"curl_easy_init",
                )),
                set: transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int>(find(
                    c"curl_easy_setopt",
                )),
                perform: transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void) -> c_int>(find(
                    c"curl_easy_perform",
                )),
                get: transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int>(find(
                    c"curl_easy_getinfo",
                )),
                cleanup: transmute::<*mut c_void, unsafe extern "C" fn(*mut c_void)>(find(
                    c"curl_easy_cleanup",
                )),
            })
        }
    }

    /// The status and the text of a page, or the number of the error.
    fn get(self, url: &str, limit: Duration) -> Result<(c_long, String), c_int> {
        unsafe extern "C" fn take(
            data: *const c_char,
            size: usize,
            count: usize,
            page: *mut c_void,
        ) -> usize {
            // SAFETY: libcurl gives size * count bytes, and the page that it was given.
            unsafe {
                let bytes = std::slice::from_raw_parts(data.cast::<u8>(), size * count);
                (*page.cast::<Vec<u8>>()).extend_from_slice(bytes);
            }
            size * count
        }
        let url = CString::new(url).unwrap();
        let (mut page, mut status) = (Vec::new(), 0 as c_long);
        // SAFETY: the handle is used by one thread, with arguments of the types that the options take; the address and the
        // page outlive it.
        let done = unsafe {
            let handle = (self.init)();
            assert!(!handle.is_null());
            (self.set)(handle, CURLOPT_URL, url.as_ptr());
            (self.set)(handle, CURLOPT_NOSIGNAL, 1 as c_long);
            (self.set)(handle, CURLOPT_TIMEOUT_MS, limit.as_millis() as c_long);
            (self.set)(handle, CURLOPT_WRITEFUNCTION, take as *const c_void);
            (self.set)(handle, CURLOPT_WRITEDATA, &raw mut page);
            let done = (self.perform)(handle);
            (self.get)(handle, CURLINFO_RESPONSE_CODE, &raw mut status);
            (self.cleanup)(handle);
            done
        };
        if done == CURLE_OK { Ok((status, String::from_utf8(page).unwrap())) } else { Err(done) }
    }
}

/// A server on OS threads, which are not those of any hub; it ends with the connection that says so.
struct Server {
    address: SocketAddr,
    serving: Option<std::thread::JoinHandle<()>>,
    /// How many requests were there at once, at most.
    most: Arc<AtomicUsize>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let highest = most.clone();
        let serve = move || {
            let mut serving = Vec::new();
            for stream in listener.incoming() {
                let (stream, now, most) = (stream.unwrap(), now.clone(), highest.clone());
                let Some(request) = Server::request(&stream) else { break };
                serving.push(std::thread::spawn(move || Server::answer(stream, &request, &now, &most)));
            }
            serving.into_iter().for_each(|thread| thread.join().unwrap());
        };
        Server { address, serving: Some(std::thread::spawn(serve)), most }
    }

    /// The path that is asked for; none at the end.
    fn request(stream: &TcpStream) -> Option<String> {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let first = lines.next()?;
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        first.split(' ').nth(1).map(str::to_owned)
    }

    fn answer(mut stream: TcpStream, path: &str, now: &AtomicUsize, most: &AtomicUsize) {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(if path == "/never" { DELAY * 10 } else { DELAY });
        now.fetch_sub(1, Ordering::SeqCst);
        // Its client may have gone.
        drop(write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{path}",
            path.len()
        ));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        self.serving.take().unwrap().join().unwrap();
    }
}

fn patched(test: impl FnOnce(Curl)) {
    let Some(curl) = Curl::open() else { return };
    greenroom::monkey::patch_all();
    // Not a leak frame: what libcurl keeps for the process (its first use of OpenSSL) is its own affair.
    support::guard(|| greenroom::run(|| test(curl)));
}

#[test]
fn transfers_of_libcurl_wait_at_once_on_one_os_thread() {
    patched(|curl| {
        for host in ["127.0.0.1", "localhost"] {
            let server = Server::start();
            let port = server.address.port();
            let get = move |n: usize| curl.get(&format!("http://{host}:{port}/{n}"), Duration::from_secs(30));
            let begin = Instant::now();
            assert_eq!(get(0), Ok((200, "/0".to_owned())));
            let one = begin.elapsed();
            let begin = Instant::now();
            let calls = (0..CROWD).map(|n| greenroom::spawn(move || get(n)));
            for (n, page) in greenroom::joinall(calls).into_iter().enumerate() {
                assert_eq!(page.unwrap(), Ok((200, format!("/{n}"))));
            }
            let all = begin.elapsed();
            println!("libcurl, {host}: one transfer {one:.0?}, {CROWD} at once {all:.0?}");
            assert!(one >= DELAY && all < one * CROWD as u32 / 2, "one took {one:?}, {CROWD} took {all:?}");
            let most = server.most.load(Ordering::SeqCst);
            assert!(most > CROWD / 2, "only {most} were there at once");
        }
    });
}

#[test]
fn a_limit_of_libcurls_and_a_timeout_of_ours_both_end_a_transfer() {
    patched(|curl| {
        let server = Server::start();
        let url = format!("http://{}/never", server.address);
        let begin = Instant::now();
        assert_eq!(curl.get(&url, DELAY / 2), Err(CURLE_OPERATION_TIMEDOUT));
        assert!(begin.elapsed() < DELAY * 100, "{:?}", begin.elapsed());

        // The scope returns once libcurl has, and libcurl returns since each of its calls is refused.
        let begin = Instant::now();
        let mut ended = None;
        let outcome = greenroom::timeout(DELAY / 2, || ended = Some(curl.get(&url, Duration::from_secs(30))));
        assert!(outcome.is_err());
        assert!(ended.unwrap().is_err());
        assert!(begin.elapsed() < DELAY * 100, "{:?}", begin.elapsed());
        // And another transfer, in a green thread that nobody has asked to end, is as good as ever.
        let address = server.address;
        let again =
            greenroom::spawn(move || curl.get(&format!("http://{address}/x"), Duration::from_secs(30)));
        assert_eq!(again.join().unwrap(), Ok((200, "/x".to_owned())));
    });
}

#[test]
fn a_green_thread_killed_inside_libcurl_leaves_it_by_an_error() {
    patched(|curl| {
        let server = Server::start();
        let url = format!("http://{}/never", server.address);
        let seen = std::rc::Rc::new(std::cell::Cell::new(None));
        let transfer = {
            let seen = seen.clone();
            greenroom::spawn(move || {
                seen.set(Some(curl.get(&url, Duration::from_secs(30)).is_err()));
                greenroom::sleep(Duration::from_secs(30));
            })
        };
        std::thread::sleep(DELAY / 2);
        transfer.kill();
        assert!(transfer.join().unwrap_err().is_killed());
        assert_eq!(seen.get(), Some(true), "libcurl returned an error, and its cleanup ran");
    });
}
