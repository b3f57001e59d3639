//! `Ord`, `Clone` and `Drop` of the items: user code that the queue calls.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::Rc;

use greenroom::queue::{PriorityQueue, Queue};
use greenroom::{sleep, spawn, yield_now};

use crate::support::{self, Tally, ms, panic_of};

type Hook = Rc<RefCell<Option<Box<dyn Fn()>>>>;

/// Calls the hook when it is compared, cloned or dropped.
struct Hooked {
    rank: u32,
    hook: Hook,
    _counted: support::Counted,
    tally: Tally,
}

impl Hooked {
    fn call(&self) {
        if let Some(hook) = &*self.hook.borrow() {
            hook();
        }
    }
}

impl Clone for Hooked {
    fn clone(&self) -> Hooked {
        self.call();
        Hooked {
            rank: self.rank,
            hook: self.hook.clone(),
            _counted: self.tally.one(),
            tally: self.tally.clone(),
        }
    }
}
impl PartialEq for Hooked {
    fn eq(&self, other: &Hooked) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Hooked {}
impl PartialOrd for Hooked {
    fn partial_cmp(&self, other: &Hooked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Hooked {
    fn cmp(&self, other: &Hooked) -> Ordering {
        self.call();
        self.rank.cmp(&other.rank)
    }
}

/// Makes items of one hook.
#[derive(Default)]
struct Maker {
    hook: Hook,
    tally: Tally,
}

impl Maker {
    fn item(&self, rank: u32) -> Hooked {
        Hooked { rank, hook: self.hook.clone(), _counted: self.tally.one(), tally: self.tally.clone() }
    }

    fn on_call(&self, hook: impl Fn() + 'static) {
        *self.hook.borrow_mut() = Some(Box::new(hook));
    }

    fn be_quiet(&self) {
        self.hook.borrow_mut().take();
    }
}

fn filled(maker: &Maker, ranks: &[u32]) -> PriorityQueue<Hooked> {
    let queue = PriorityQueue::unbounded();
    for rank in ranks {
        assert!(queue.put(maker.item(*rank)).is_ok());
    }
    queue
}

fn ranks(queue: &PriorityQueue<Hooked>) -> Vec<u32> {
    std::iter::from_fn(|| queue.try_get().ok()).map(|item| item.rank).collect()
}

#[test]
fn a_comparison_that_panics_at_any_step_leaves_the_queue_whole() {
    support::hub(|| {
        let verbs: [fn(&PriorityQueue<Hooked>, Hooked); 4] = [
            |queue, item| drop(queue.put(item)),
            |queue, _| drop(queue.get()),
            |queue, _| drop(queue.peek()),
            |queue, _| drop(queue.close_now()),
        ];
        for (verb, nth) in verbs.iter().flat_map(|verb| (0..9).map(move |nth| (verb, nth))) {
            let maker = Maker::default();
            let queue = filled(&maker, &[4, 2, 7, 1, 9, 3, 8]);
            let item = maker.item(0);
            let countdown = Cell::new(nth);
            maker.on_call(move || {
                countdown.set(countdown.get() - 1);
                assert!(countdown.get() >= 0, "on purpose");
            });
            let panicked =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| verb(&queue, item))).is_err();
            maker.be_quiet();
            if panicked {
                assert!(!queue.is_closed());
                assert_eq!((queue.len(), queue.unfinished(), maker.tally.alive()), (7, 7, 7));
                assert_eq!(ranks(&queue), [1, 2, 3, 4, 7, 8, 9]);
            }
            assert!(panicked || nth > 0);
            queue.close();
            drop(queue);
            assert_eq!(maker.tally.alive(), 0);
        }
    });
}

#[test]
fn the_code_of_the_items_may_not_use_their_queue() {
    support::hub(|| {
        let uses: [fn(&PriorityQueue<Hooked>); 6] = [
            |queue| drop(queue.get()),
            |queue| drop(queue.try_get()),
            |queue| drop(queue.peek()),
            |queue| queue.close(),
            |queue| drop(queue.close_now()),
            |queue| drop(queue.iter().next()),
        ];
        for use_it in uses {
            let maker = Maker::default();
            let queue = filled(&maker, &[1, 2]);
            let (inside, seen) = (queue.clone(), Rc::new(RefCell::new(String::new())));
            let note = seen.clone();
            maker.on_call(move || {
                let text = panic_of(|| use_it(&inside));
                *note.borrow_mut() = text;
            });
            assert!(queue.put(maker.item(0)).is_ok());
            assert!(seen.borrow().contains("in use by the Ord or Clone"), "{}", seen.borrow());
            seen.borrow_mut().clear();
            drop(queue.peek());
            assert!(seen.borrow().contains("in use by the Ord or Clone"), "{}", seen.borrow());
            maker.be_quiet();
            assert_eq!(ranks(&queue), [0, 1, 2]);
        }
    });
}

#[test]
fn a_clone_of_a_plain_queue_may_not_use_it_either_and_may_panic() {
    support::virtual_hub(|| {
        let maker = Maker::default();
        let queue = Queue::unbounded();
        assert!(queue.put(maker.item(1)).is_ok() && queue.put(maker.item(2)).is_ok());
        let inside = queue.clone();
        maker.on_call(move || drop(inside.get()));
        assert!(panic_of(|| queue.peek()).contains("in use by the Ord or Clone"));
        maker.on_call(|| sleep(ms(1)));
        assert!(panic_of(|| queue.peek()).contains("nothing may switch"));
        maker.be_quiet();
        assert_eq!((queue.len(), queue.peek().map(|item| item.rank)), (2, Some(1)));
        assert_eq!(queue.get().map(|item| item.rank), Ok(1));
    });
}

#[test]
fn other_queues_may_be_used_there() {
    support::hub(|| {
        let maker = Maker::default();
        let queue = filled(&maker, &[1]);
        let log = Queue::unbounded();
        let inside = log.clone();
        maker.on_call(move || inside.try_put("compared").unwrap());
        assert!(queue.put(maker.item(0)).is_ok());
        assert_eq!(log.close_now(), ["compared"]);
        maker.be_quiet();
    });
}

#[test]
fn the_value_of_a_put_whose_comparison_panics_may_use_the_queue_as_it_is_dropped() {
    struct Picky {
        rank: u32,
        queue: Option<PriorityQueue<Picky>>,
        seen: Rc<Cell<usize>>,
    }
    impl PartialEq for Picky {
        fn eq(&self, other: &Picky) -> bool {
            self.rank == other.rank
        }
    }
    impl Eq for Picky {}
    impl PartialOrd for Picky {
        fn partial_cmp(&self, other: &Picky) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Picky {
        fn cmp(&self, other: &Picky) -> Ordering {
            assert!(self.queue.is_none() && other.queue.is_none(), "on purpose");
            self.rank.cmp(&other.rank)
        }
    }
    impl Drop for Picky {
        fn drop(&mut self) {
            if let Some(queue) = self.queue.take() {
                self.seen.set(queue.try_get().map_or(0, |item| item.rank as usize) + queue.len());
            }
        }
    }
    support::hub(|| {
        let seen = Rc::new(Cell::new(0));
        let queue = PriorityQueue::unbounded();
        assert!(queue.put(Picky { rank: 5, queue: None, seen: seen.clone() }).is_ok());
        let picky = Picky { rank: 1, queue: Some(queue.clone()), seen: seen.clone() };
        assert_eq!(panic_of(|| queue.put(picky)), "on purpose");
        assert_eq!(seen.get(), 5);
    });
}

#[test]
fn a_value_from_a_waiting_putter_that_cannot_be_compared_is_not_lost() {
    support::hub(|| {
        let maker = Maker::default();
        let queue = PriorityQueue::bounded(2);
        assert!(queue.put(maker.item(2)).is_ok() && queue.put(maker.item(3)).is_ok());
        let putter = spawn({
            let (queue, item) = (queue.clone(), maker.item(1));
            move || assert!(queue.put(item).is_ok())
        });
        yield_now();
        assert_eq!(queue.get().map(|item| item.rank), Ok(2));
        putter.join().unwrap();
        maker.on_call(|| panic!("on purpose"));
        assert_eq!(panic_of(|| queue.get()), "on purpose");
        assert_eq!(panic_of(|| queue.peek()), "on purpose");
        maker.be_quiet();
        assert_eq!(ranks(&queue), [1, 3]);
    });
}
