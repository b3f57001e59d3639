//! ureq as it comes, in the clear and with TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use ureq::Agent;
use ureq::config::Config;

use crate::certificate::Certificate;
use crate::crowd::{Meeting, assert_a_timeout_ends, assert_overlap};
use crate::http::{serve, trusting};
use crate::patched;
use crate::server::Server;

fn get(agent: &Agent, url: String) -> Result<String, ureq::Error> {
    agent.get(url).call()?.body_mut().read_to_string()
}

#[test]
fn requests_wait_at_once() {
    patched(|| {
        let meeting = Arc::new(Meeting::new());
        let met = meeting.clone();
        let server = Server::start(move |stream| serve(stream, &met));
        let agent = Agent::new_with_defaults();
        assert_overlap(
            "ureq as it comes",
            |size| meeting.expect(size),
            |i| {
                let answer = get(&agent, format!("http://{}/{i}", server.address()));
                assert_eq!(answer.unwrap(), format!("/{i}"));
            },
        );
    });
}

#[test]
fn requests_with_its_timeouts_wait_at_once() {
    patched(|| {
        let meeting = Arc::new(Meeting::new());
        let met = meeting.clone();
        let server = Server::start(move |stream| serve(stream, &met));
        let patience = Some(Duration::from_secs(30));
        let agent = Agent::new_with_config(Config::builder().timeout_global(patience).build());
        assert_overlap(
            "ureq with timeouts",
            |size| meeting.expect(size),
            |i| {
                let answer = get(&agent, format!("http://localhost:{}/{i}", server.address().port()));
                assert_eq!(answer.unwrap(), format!("/{i}"));
            },
        );
    });
}

#[test]
fn requests_with_tls_wait_at_once() {
    patched(|| {
        let certificate = Certificate::new();
        let meeting = Arc::new(Meeting::new());
        let (met, settings) = (meeting.clone(), certificate.server.clone());
        let server = Server::start(move |stream| {
            let session = ServerConnection::new(settings.clone()).unwrap();
            serve(StreamOwned::new(session, stream), &met);
        });
        let agent = Agent::new_with_config(Config::builder().tls_config(trusting(&certificate)).build());
        assert_overlap(
            "ureq with TLS",
            |size| meeting.expect(size),
            |i| {
                // The name is looked up, by getaddrinfo beside the hub.
                let answer = get(&agent, format!("https://localhost:{}/{i}", server.address().port()));
                assert_eq!(answer.unwrap(), format!("/{i}"));
            },
        );
    });
}

#[test]
fn its_own_timeout_and_ours_both_end_a_call_that_nobody_answers() {
    patched(|| {
        let server = Server::silent();
        let url = || format!("http://{}/", server.address());
        let limited = Config::builder().timeout_global(Some(Duration::from_millis(50))).build();
        let error = get(&Agent::new_with_config(limited), url()).unwrap_err();
        assert!(matches!(error, ureq::Error::Timeout(ureq::Timeout::Global)), "{error}");
        let patient = Agent::new_with_defaults();
        let error = assert_a_timeout_ends(|| get(&patient, url()).unwrap_err());
        let told = matches!(&error, ureq::Error::Io(e) if e.raw_os_error() == Some(110));
        // ureq takes the errno of a read for its own limit.
        assert!(told || matches!(&error, ureq::Error::Timeout(_)), "{error:?}");
    });
}
