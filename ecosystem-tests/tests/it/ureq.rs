//! ureq with a connector of ours, in the clear and with TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use greenroom_ecosystem::ureq::agent;
use rustls::{ServerConnection, StreamOwned};
use ureq::Agent;
use ureq::config::Config;

use crate::certificate::Certificate;
use crate::crowd::{Meeting, assert_a_timeout_ends, assert_overlap};
use crate::http::{serve, trusting};
use crate::server::Server;
use crate::support::hub;

fn get(agent: &Agent, url: String) -> Result<String, ureq::Error> {
    agent.get(url).call()?.body_mut().read_to_string()
}

#[test]
fn requests_on_green_threads_wait_at_once() {
    hub(|| {
        let meeting = Arc::new(Meeting::new());
        let met = meeting.clone();
        let server = Server::start(move |stream| serve(stream, &met));
        let agent = agent(Config::builder().timeout_global(Some(Duration::from_secs(30))).build());
        assert_overlap(
            "ureq",
            |size| meeting.expect(size),
            |i| {
                let answer = get(&agent, format!("http://{}/{i}", server.address()));
                assert_eq!(answer.unwrap(), format!("/{i}"));
            },
        );
    });
}

#[test]
fn requests_with_tls_wait_at_once() {
    hub(|| {
        let certificate = Certificate::new();
        let meeting = Arc::new(Meeting::new());
        let (met, settings) = (meeting.clone(), certificate.server.clone());
        let server = Server::start(move |stream| {
            let session = ServerConnection::new(settings.clone()).unwrap();
            serve(StreamOwned::new(session, stream), &met);
        });
        let agent = agent(Config::builder().tls_config(trusting(&certificate)).build());
        assert_overlap(
            "ureq with TLS",
            |size| meeting.expect(size),
            |i| {
                // The name is looked up, as a user's would be.
                let answer = get(&agent, format!("https://localhost:{}/{i}", server.address().port()));
                assert_eq!(answer.unwrap(), format!("/{i}"));
            },
        );
    });
}

#[test]
fn a_proxy_is_asked_to_connect_and_names_go_to_it() {
    hub(|| {
        let certificate = Certificate::new();
        let settings = certificate.server.clone();
        let server = Server::start(move |stream| {
            let mut stream = BufReader::new(stream);
            let (mut request, mut line) = (String::new(), String::new());
            stream.read_line(&mut request).unwrap();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            assert_eq!(request, "CONNECT localhost:9 HTTP/1.1\r\n");
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            let session = ServerConnection::new(settings.clone()).unwrap();
            serve(StreamOwned::new(session, stream.into_inner()), &Meeting::new());
        });
        let proxy = ureq::Proxy::new(&format!("http://{}", server.address())).unwrap();
        let agent = agent(Config::builder().proxy(Some(proxy)).tls_config(trusting(&certificate)).build());
        assert_eq!(get(&agent, "https://localhost:9/there".to_owned()).unwrap(), "/there");
    });
}

#[test]
fn a_connection_is_used_again_while_it_is_open() {
    hub(|| {
        let connections = Arc::new(AtomicUsize::new(0));
        let (meeting, seen) = (Meeting::new(), connections.clone());
        let server = Server::start(move |stream| {
            seen.fetch_add(1, Ordering::Relaxed);
            serve(stream, &meeting);
        });
        let agent = agent(Config::default());
        for i in 0..2 {
            assert_eq!(get(&agent, format!("http://{}/{i}", server.address())).unwrap(), format!("/{i}"));
        }
        assert_eq!(connections.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_connection_that_the_server_closed_is_not_used_again() {
    hub(|| {
        let server = Server::start(|mut stream| {
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        });
        let agent = agent(Config::default());
        for _ in 0..2 {
            assert_eq!(get(&agent, format!("http://{}/", server.address())).unwrap(), "hi");
            greenroom::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn its_own_timeout_and_ours_both_end_a_call_that_nobody_answers() {
    hub(|| {
        let server = Server::silent();
        let url = || format!("http://{}/", server.address());
        let impatient = agent(Config::builder().timeout_global(Some(Duration::from_millis(50))).build());
        let error = get(&impatient, url()).unwrap_err();
        assert!(matches!(error, ureq::Error::Timeout(ureq::Timeout::Global)), "{error}");
        let patient = agent(Config::default());
        let error = assert_a_timeout_ends(|| get(&patient, url()).unwrap_err());
        assert!(matches!(&error, ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut), "{error}");
    });
}
