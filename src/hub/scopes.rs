//! The scopes of `timeout` that are open on one green thread.

use crate::hub::timers::TimerKey;

/// One call of `timeout` that has not returned. Named by number, never by address: a generator may carry the frame
/// of the call to another green thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) id: u64,
    /// The greenlet or generator in whose frames the call stands: its expiry is for waits above those frames only.
    pub(crate) link: u64,
    /// Its alarm, until it rings. None as well if the time is beyond the clock.
    pub(crate) timer: Option<TimerKey>,
    pub(crate) expired: bool,
    /// A wait of its body was failed or unwound on its account.
    pub(crate) delivered: bool,
}

/// The open scopes of one green thread, in the order of opening.
#[derive(Default)]
pub(crate) struct Scopes {
    open: Vec<Scope>,
}

impl Scopes {
    pub(crate) fn open(&mut self, scope: Scope) {
        self.open.push(scope);
    }

    /// Takes out a scope; usually the last.
    pub(crate) fn close(&mut self, id: u64) -> Option<Scope> {
        if self.open.last().is_some_and(|last| last.id == id) {
            return self.open.pop();
        }
        let place = self.open.iter().rposition(|scope| scope.id == id)?;
        Some(self.open.remove(place))
    }

    /// Notes that the time of `id` is over; returns the link in which it was opened.
    pub(crate) fn expire(&mut self, id: u64) -> Option<u64> {
        let scope = self.open.iter_mut().rfind(|scope| scope.id == id)?;
        scope.timer = None;
        scope.expired = true;
        Some(scope.link)
    }

    /// Whether the time of one is over, or will be.
    pub(crate) fn any_with_an_end(&self) -> bool {
        self.open.iter().any(|scope| scope.expired || scope.timer.is_some())
    }

    /// Whether one of them will end a wait in time.
    pub(crate) fn any_alarm(&self) -> bool {
        self.open.iter().any(|scope| scope.timer.is_some())
    }

    pub(crate) fn any_expired(&self) -> bool {
        self.open.iter().any(|scope| scope.expired)
    }

    /// Whether `deliver` would find one.
    pub(crate) fn any_to_deliver(&self, stands: impl Fn(u64) -> bool) -> bool {
        self.open.iter().any(|scope| scope.expired && stands(scope.link))
    }

    /// The outermost scope whose time is over and whose frames `stands` says are below the caller; it counts as
    /// delivered from now on.
    pub(crate) fn deliver(&mut self, stands: impl Fn(u64) -> bool) -> Option<u64> {
        let scope = self.open.iter_mut().find(|scope| scope.expired && stands(scope.link))?;
        scope.delivered = true;
        Some(scope.id)
    }

    /// Takes out all, when their green thread has ended.
    pub(crate) fn take(&mut self) -> Vec<Scope> {
        std::mem::take(&mut self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(id: u64, link: u64) -> Scope {
        Scope { id, link, timer: None, expired: false, delivered: false }
    }

    #[test]
    fn the_outermost_expired_scope_below_the_wait_is_delivered() {
        let mut scopes = Scopes::default();
        for (id, link) in [(1, 0), (2, 7), (3, 0)] {
            scopes.open(scope(id, link));
        }
        assert_eq!(scopes.deliver(|_| true), None);
        scopes.expire(2);
        scopes.expire(3);
        assert_eq!(scopes.deliver(|link| link == 0), Some(3));
        assert_eq!(scopes.deliver(|_| true), Some(2));
        assert!(scopes.close(2).is_some_and(|closed| closed.delivered));
        assert!(scopes.any_expired());
        assert!(scopes.close(3).is_some());
        assert!(!scopes.any_expired());
        assert!(scopes.close(3).is_none());
    }
}
