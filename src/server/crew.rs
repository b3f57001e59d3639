//! The crew of a server: how many handlers there may be, how they are spawned, and the loop that does so.

use std::io;
use std::panic::Location;

use super::back_off::{BackOff, passes};
use super::limits::Limits;
use super::listener::Endpoint;
use super::running::Running;
use crate::pool::Pool;
use crate::thread;

/// How many are served in a row unless set; gevent's `max_accept`.
const IN_A_ROW: usize = 100;

#[derive(Debug)]
pub(super) struct Crew {
    pub(super) pool: Option<Pool>,
    /// After so many the others of the hub get a turn.
    pub(super) in_a_row: usize,
    pub(super) limits: Limits,
}

impl Crew {
    pub(super) fn new() -> Crew {
        Crew { pool: None, in_a_row: IN_A_ROW, limits: Limits::default() }
    }

    /// Serves one after the other until the server's socket is closed. `next` waits for one, and says how it is to be served;
    /// None if it has gone already.
    pub(super) fn serve_all<E: Endpoint, J: FnOnce() + 'static>(
        &self,
        server: &Running<E>,
        site: &'static Location<'static>,
        mut next: impl FnMut() -> io::Result<Option<J>>,
    ) -> io::Result<()> {
        let mut back_off = BackOff::new();
        let mut in_a_row = 0;
        loop {
            if let Some(pool) = &self.pool {
                pool.wait_available();
            }
            let served = next().and_then(|job| job.map_or(Ok(()), |job| self.serve(server, site, job)));
            match served {
                Ok(()) => back_off.success(),
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) if passes(&error) => back_off.pause(&server.closed)?,
                Err(error) => return Err(error),
            }
            in_a_row += 1;
            if in_a_row >= self.in_a_row {
                in_a_row = 0;
                thread::yield_now();
            }
        }
    }

    /// Has a handler run; the only error is that there is no stack.
    fn serve<E: Endpoint>(
        &self,
        server: &Running<E>,
        site: &'static Location<'static>,
        job: impl FnOnce() + 'static,
    ) -> io::Result<()> {
        let place = server.connections.enter();
        let (number, limits) = (place.number, self.limits);
        let body = move || {
            // Left last, when all that belongs to the handler is dropped.
            let _place = place;
            limits.run(job);
        };
        let spawned = match &self.pool {
            Some(pool) => pool.try_spawn_at(site, body),
            None => thread::try_spawn_at(site, body),
        };
        let Ok(handle) = spawned else { return Err(io::Error::from_raw_os_error(libc::ENOMEM)) };
        server.connections.is_served_by(number, handle);
        Ok(())
    }
}
