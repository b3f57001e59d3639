//! monoio on its epoll driver, which it calls legacy.

use monoio::{LegacyDriver, RuntimeBuilder};
use std::{
    cell::RefCell,
    future::poll_fn,
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

pub(crate) struct Monoio;

impl super::Runtime for Monoio {
    fn run<T: 'static>(main: impl Future<Output = T> + 'static) -> T {
        let builder = RuntimeBuilder::<LegacyDriver>::new().enable_timer();
        let mut runtime = builder.build().expect("monoio starts");
        runtime.block_on(async {
            let mut main = pin!(monoio::spawn(main));
            let mut woken = Vec::new();
            poll_fn(move |context| {
                Round::open(context, &mut woken);
                woken.drain(..).for_each(Waker::wake);
                main.as_mut().poll(context)
            })
            .await
        })
    }

    fn spawn<T: 'static>(task: impl Future<Output = T> + 'static) -> impl Future<Output = T> + 'static {
        monoio::spawn(task)
    }

    /// A task that wakes itself goes to the front of monoio's ready queue: it goes on at once, before all others. So those
    /// that yield are woken together, in their order, when nobody else is ready.
    fn yield_now() -> impl Future<Output = ()> {
        Turn { over: false }
    }

    fn sleep(delay: Duration) -> impl Future<Output = ()> {
        monoio::time::sleep(delay)
    }
}

/// Those that have yielded, and the one that wakes them.
struct Round {
    yielded: Vec<Waker>,
    caller: Option<Waker>,
}

thread_local! {
    static ROUND: RefCell<Round> = const { RefCell::new(Round { yielded: Vec::new(), caller: None }) };
}

impl Round {
    /// Gives out those that have yielded and begins a new round, of which the caller will be told.
    fn open(context: &Context<'_>, yielded: &mut Vec<Waker>) {
        ROUND.with_borrow_mut(|round| {
            mem::swap(&mut round.yielded, yielded);
            round.caller.get_or_insert_with(|| context.waker().clone());
        });
    }

    fn join(waker: Waker) {
        ROUND.with_borrow_mut(|round| {
            if round.yielded.is_empty() {
                round.caller.as_ref().expect("a runtime runs").wake_by_ref();
            }
            round.yielded.push(waker);
        });
    }
}

struct Turn {
    over: bool,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.over {
            return Poll::Ready(());
        }
        self.over = true;
        Round::join(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rivals::Runtime;
    use std::rc::Rc;

    #[test]
    fn those_that_yield_take_turns() {
        let order = Rc::new(RefCell::new(String::new()));
        let said = order.clone();
        Monoio::run(async move {
            let task = |name| {
                let said = said.clone();
                Monoio::spawn(async move {
                    for _ in 0..3 {
                        said.borrow_mut().push(name);
                        Monoio::yield_now().await;
                    }
                })
            };
            let tasks = ['a', 'b', 'c'].map(task);
            for task in tasks {
                task.await;
            }
        });
        assert_eq!(*order.borrow(), "abcabcabc");
    }
}
