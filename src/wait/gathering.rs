//! The gathering: one wait for several things, from the first look to the last that has told.

use std::rc::Rc;

use super::waitable::Waitable;
use super::waitable::sealed::{self, Kind};
use crate::hub;
use crate::hub::clock::Moment;
use crate::hub::task::{WaitingFor, Woken};
use crate::hub::waiters::{Node, Waiter, Watch};
use crate::park::{self, Manner};
use crate::thread::JoinHandle;

/// The objects of one wait, borrowed or owned.
pub(super) trait Objects {
    fn len(&self) -> usize;
    fn at(&self, index: usize) -> &dyn sealed::Waitable;
}

impl Objects for &[&dyn Waitable] {
    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn at(&self, index: usize) -> &dyn sealed::Waitable {
        self[index]
    }
}

impl<T> Objects for Vec<JoinHandle<T>> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn at(&self, index: usize) -> &dyn sealed::Waitable {
        &self[index]
    }
}

/// Interest in several objects: a place with each that was not ready, and the order in which they tell.
pub(super) struct Gathering<O: Objects> {
    objects: O,
    watch: Rc<Watch>,
    places: Vec<Place>,
    /// How many have not been returned.
    left: usize,
}

/// How one of the objects stands.
enum Place {
    /// It is to tell: an entry in its list. The box keeps its address.
    Node(Box<Node>),
    /// It is to tell: what takes the waker out again.
    Watched(u64),
    /// It is ready, as far as anybody has said.
    Told,
    Returned,
}

impl<O: Objects> Gathering<O> {
    pub(super) fn new(objects: O) -> Gathering<O> {
        let (left, watch) = (objects.len(), Rc::<Watch>::default());
        let mut gathering = Gathering { objects, watch, places: Vec::with_capacity(left), left };
        for index in 0..left {
            let place = gathering.enter(index);
            if matches!(place, Place::Told) {
                gathering.watch.note(index);
            }
            gathering.places.push(place);
        }
        gathering
    }

    pub(super) fn objects(&self) -> &O {
        &self.objects
    }

    /// Asks one to tell, unless it is ready.
    fn enter(&self, index: usize) -> Place {
        let object = self.objects.at(index);
        if object.is_ready() {
            return Place::Told;
        }
        match object.list().0 {
            Kind::Local(list) => {
                let node = Box::new(Node::new(Waiter::Watch(self.watch.clone(), index)));
                // SAFETY: the object stays where it is or, if it is moved in here, its list is behind a pointer; the box
                // keeps its address; `leave` comes before either goes (S15).
                unsafe { list.join(&node) };
                Place::Node(node)
            }
            Kind::Shared(watchers) => {
                let key = watchers.add(self.watch.share().bell(index));
                if object.is_ready() {
                    watchers.remove(key);
                    return Place::Told;
                }
                Place::Watched(key)
            }
        }
    }

    /// The place of the next that is ready; None once all were returned, at the deadline, or while the caller is unwinding.
    pub(super) fn next(&mut self, deadline: Option<Moment>) -> Option<usize> {
        while self.left > 0 {
            if let Some(index) = self.watch.take_first() {
                if self.claim(index) {
                    self.left -= 1;
                    return Some(index);
                }
                continue;
            }
            let _parked = Parked::new(&self.watch);
            if !self.watch.is_empty() {
                continue;
            }
            match park::park(Manner::Infallible, WaitingFor::AnyOfSeveral, deadline) {
                Ok(Woken::Condition | Woken::Request) => {}
                Ok(Woken::Deadline) if !self.watch.is_empty() => {}
                Ok(Woken::Deadline) | Err(_) => break,
            }
        }
        None
    }

    /// One has told. Is it to be returned? What is shared may be gone again; then it is asked to tell once more.
    fn claim(&mut self, index: usize) -> bool {
        if matches!(self.places[index], Place::Returned) {
            // It told while somebody looked.
            return false;
        }
        self.leave(index);
        if let Kind::Shared(_) = self.objects.at(index).list().0 {
            self.places[index] = self.enter(index);
        }
        let ready = matches!(self.places[index], Place::Told);
        if ready {
            self.places[index] = Place::Returned;
        }
        ready
    }

    fn leave(&mut self, index: usize) {
        let place = std::mem::replace(&mut self.places[index], Place::Told);
        match (place, self.objects.at(index).list().0) {
            (Place::Node(node), Kind::Local(list)) => drop(list.leave(&node)),
            (Place::Watched(key), Kind::Shared(watchers)) => watchers.remove(key),
            _ => {}
        }
    }
}

impl<O: Objects> Drop for Gathering<O> {
    fn drop(&mut self) {
        (0..self.places.len()).for_each(|index| self.leave(index));
    }
}

/// Says who is to be woken, as long as there is somebody parked.
struct Parked<'a>(&'a Watch);

impl Parked<'_> {
    fn new(watch: &Watch) -> Parked<'_> {
        let hub = hub::current();
        watch.parked.set(Some(hub.current.get()));
        if let Some(shared) = watch.shared() {
            shared.set_parked(Some(hub::identity(hub.running())));
        }
        Parked(watch)
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        self.0.parked.set(None);
        if let Some(shared) = self.0.shared() {
            shared.set_parked(None);
        }
    }
}
