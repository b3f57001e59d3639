//! One value that is made on another OS thread, while a green thread waits for it.

use std::sync::Arc;

use crate::hub;
use crate::hub::remote::Identity;
use crate::hub::task::WaitingFor;
use crate::park::slot::{Slot, Taken};
use crate::park::{self, Interruption, Manner};

/// The end that goes to the other OS thread.
pub(crate) struct Sender<T> {
    slot: Arc<Slot<T>>,
    receiver: Arc<Identity>,
}

/// The end that stays.
pub(crate) struct Receiver<T> {
    slot: Arc<Slot<T>>,
}

/// Both ends; whoever calls is the one that will wait.
pub(crate) fn handover<T: Send + 'static>() -> (Sender<T>, Receiver<T>) {
    let slot = Arc::new(Slot::new());
    let receiver = hub::identity(hub::current().running());
    (Sender { slot: slot.clone(), receiver }, Receiver { slot })
}

impl<T> Sender<T> {
    pub(crate) fn send(self, value: T) {
        self.slot.put(value);
        // The drop that follows wakes the receiver.
    }
}

impl<T> Drop for Sender<T> {
    /// Says that nothing more will come, and wakes the receiver, whose look at the slot comes after.
    fn drop(&mut self) {
        self.slot.close();
        self.receiver.wake(hub::try_current());
    }
}

impl<T> Receiver<T> {
    /// Parks until the value is there; None if the sender was dropped without sending.
    pub(crate) fn recv(self) -> Result<Option<T>, Interruption> {
        loop {
            match self.slot.take() {
                Taken::Value(value) => return Ok(Some(value)),
                Taken::Gone => return Ok(None),
                Taken::Pending => park::park(Manner::Fallible, WaitingFor::OtherOsThread, None)?,
            };
        }
    }
}
