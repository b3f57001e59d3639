//! The chain: which greenlets and generators stand on top of one another right now.
//!
//! ```text
//!   Strand ◀── Link ◀── Link ◀── Link          the running code stands in the frames of the last one
//!     │ top ───────────────────────▲
//! ```
//!
//! A [`Strand`] is the bottom of a chain: every green thread has one in its record, and so has the code on the OS
//! thread's own stack. A [`Link`] is one greenlet or generator. Who enters one hangs its link on top, with all that
//! stood on it when it was left; when it comes back, the link is taken off with all that stands on it then.
//!
//! A green thread that parks leaves its whole chain hanging on its strand, and finds it there when it runs again.

use std::any::TypeId;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr;
use std::rc::Rc;

use crate::greenlet::roots::{Root, Roots};
use crate::greenlet::switch::Yielder;

/// How often code that is being unwound may begin something new that must be unwound as well, before it is left alone.
pub(crate) const ROUNDS: u32 = 64;

/// What the running OS thread knows. No field has a destructor, so it can be used until the OS thread's very end.
struct Here {
    /// The bottom of the running chain; null for the root's.
    current: Cell<*const Strand>,
    root: ManuallyDrop<Strand>,
    /// The id of the link made last.
    last_id: Cell<u64>,
    /// How many [`Forbid`] there are.
    forbidden: Cell<u32>,
    /// Stacks that were left for ever in the middle of an unwinding.
    stranded_panics: Cell<u32>,
    /// The OS thread ends: its thread-locals are being destroyed.
    ending: Cell<bool>,
}

thread_local! {
    static HERE: Here = const {
        Here {
            current: Cell::new(ptr::null()),
            root: ManuallyDrop::new(Strand::new()),
            last_id: Cell::new(0),
            forbidden: Cell::new(0),
            stranded_panics: Cell::new(0),
            ending: Cell::new(false),
        }
    };

    /// Its destructor tells that the OS thread ends. Destructors of thread-locals run last made, first destroyed, so it
    /// comes before those of the user's in which a greenlet or generator was kept.
    static END: End = const { End };
}

struct End;

impl Drop for End {
    fn drop(&mut self) {
        HERE.with(|here| {
            here.ending.set(true);
            here.root.roots.abandon();
        });
    }
}

/// The bottom of a chain.
pub(crate) struct Strand {
    /// The innermost link; null while the code of the green thread itself runs.
    top: Cell<*const Link>,
    roots: Roots,
}

impl Strand {
    pub(crate) const fn new() -> Strand {
        Strand { top: Cell::new(ptr::null()), roots: Roots::new() }
    }

    /// Says whose chain runs from now on; null means the root's.
    ///
    /// # Safety
    ///
    /// The strand stays where it is until another one is named (S15).
    #[inline(always)]
    pub(crate) unsafe fn run_on(strand: *const Strand) {
        HERE.with(|here| here.current.set(strand));
    }

    /// Ends the families of greenlets that are rooted in the green thread's own frames: what is suspended of them is
    /// unwound. Called by a green thread whose body is over, on its own stack. It does not unwind.
    #[inline]
    pub(crate) fn end(&self) {
        if !self.roots.is_empty() {
            self.roots.end();
        }
    }

    #[inline(always)]
    pub(crate) fn has_no_roots(&self) -> bool {
        self.roots.is_empty()
    }

    #[inline(always)]
    pub(crate) fn top(&self) -> *const Link {
        self.top.get()
    }

    #[inline(always)]
    pub(crate) fn set_top(&self, top: *const Link) {
        self.top.set(top);
    }

    /// The links that stand on it, innermost first.
    ///
    /// Nobody enters or leaves a link while the iterator is used: it serves one look.
    fn links(&self) -> impl Iterator<Item = &Link> {
        // SAFETY: a link that is entered is kept by whoever entered it, whose frame waits for it to come back (S8).
        let link = |at: *const Link| unsafe { at.as_ref() };
        std::iter::successors(link(self.top.get()), move |inner| link(inner.outer.get()))
    }

    fn has(&self, id: u64) -> bool {
        id == 0 || self.links().any(|link| link.id == id)
    }
}

/// One greenlet or generator, as part of chains. It keeps its address from the first entry to the end.
pub(crate) struct Link {
    /// The link it stands on. Has meaning while it is entered, or stands on one that was left with it.
    outer: Cell<*const Link>,
    /// A number that no other link of this OS thread ever has.
    id: u64,
    /// The `T` of the `Greenlet<T>` that it is, with its record; none for a generator.
    greenlet: Cell<Option<(TypeId, *const ())>>,
    /// The way out of it. Has meaning from its first run to its end.
    yielder: Cell<*const Yielder>,
    roots: Roots,
}

impl Link {
    pub(crate) fn new() -> Link {
        await_the_end();
        let id = HERE.with(|here| {
            here.last_id.set(here.last_id.get() + 1);
            here.last_id.get()
        });
        let (outer, yielder) = (Cell::new(ptr::null()), Cell::new(ptr::null()));
        Link { outer, id, greenlet: Cell::new(None), yielder, roots: Roots::new() }
    }

    /// Says that it is the greenlet of values `T` with that record.
    pub(crate) fn be_greenlet_of<T: 'static>(&self, record: *const ()) {
        self.greenlet.set(Some((TypeId::of::<T>(), record)));
    }

    #[inline(always)]
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    #[inline(always)]
    pub(crate) fn outer(&self) -> *const Link {
        self.outer.get()
    }

    #[inline(always)]
    pub(crate) fn set_outer(&self, outer: *const Link) {
        self.outer.set(outer);
    }

    #[inline(always)]
    pub(crate) fn yielder(&self) -> *const Yielder {
        self.yielder.get()
    }

    pub(crate) fn set_yielder(&self, yielder: *const Yielder) {
        self.yielder.set(yielder);
    }

    /// Ends the families of greenlets that are rooted in its frames. Called when its body is over, on its own stack.
    pub(crate) fn end(&self) {
        if !self.roots.is_empty() {
            self.roots.end();
        }
    }

    fn greenlet_of(&self, values: TypeId) -> Option<*const ()> {
        self.greenlet.get().filter(|(type_id, _)| *type_id == values).map(|(_, record)| record)
    }
}

/// What [`nearest`] finds.
pub(crate) enum Nearest<R> {
    /// The running code stands on the greenlet with this record, which is running, and so is there.
    Greenlet(*const ()),
    /// It stands on this root.
    Root(Rc<R>),
    Nothing,
}

/// The strand of the running chain. It is there at least until its green thread, which is running, ends.
#[inline(always)]
pub(crate) fn current() -> *const Strand {
    HERE.with(|here| {
        let strand = here.current.get();
        if strand.is_null() { &raw const *here.root } else { strand }
    })
}

/// The strand of the code on the OS thread's own stack. It is there until the OS thread ends.
pub(crate) fn root_strand() -> *const Strand {
    HERE.with(|here| &raw const *here.root)
}

#[inline(always)]
fn with_current<R>(f: impl FnOnce(&Strand) -> R) -> R {
    // SAFETY: the strand of the running chain stays until another one is named (`run_on`, S15).
    f(unsafe { &*current() })
}

/// The id of the innermost link of the running chain; 0 if there is none.
pub(crate) fn innermost() -> u64 {
    with_current(|strand| strand.links().next().map_or(0, Link::id))
}

/// Whether the running code stands in the frames of this very link, and nothing is entered from them.
#[inline(always)]
pub(crate) fn is_innermost(link: *const Link) -> bool {
    with_current(|strand| ptr::eq(strand.top(), link))
}

/// Whether the running code stands in the frames of the link `id`, or on top of them. All stand on 0.
pub(crate) fn stands(id: u64) -> bool {
    with_current(|strand| strand.has(id))
}

/// Whether the code of another chain does, when it runs.
///
/// # Safety
///
/// The strand is there.
pub(crate) unsafe fn stands_on(strand: *const Strand, id: u64) -> bool {
    // SAFETY: the strand is there (caller).
    unsafe { &*strand }.has(id)
}

/// The way back to the OS thread's own stack from what the root's code has entered; none if that is no link.
pub(crate) fn roots_outermost_yielder() -> Option<*const Yielder> {
    HERE.with(|here| here.root.links().last().map(Link::yielder))
}

/// The greenlet of values `T`, or the root `R` of such greenlets, in whose frames the running code stands: the
/// innermost if there are several.
pub(crate) fn nearest<T: 'static, R: Root>() -> Nearest<R> {
    let values = TypeId::of::<T>();
    with_current(|strand| {
        for link in strand.links() {
            if let Some(record) = link.greenlet_of(values) {
                return Nearest::Greenlet(record);
            }
            if let Some(root) = link.roots.find() {
                return Nearest::Root(root);
            }
        }
        strand.roots.find().map_or(Nearest::Nothing, Nearest::Root)
    })
}

/// Keeps a root at the innermost place of the running chain, until that place ends.
pub(crate) fn keep_here(root: Rc<dyn Root>) {
    await_the_end();
    with_current(|strand| match strand.links().next() {
        Some(link) => link.roots.keep(root),
        None => strand.roots.keep(root),
    });
}

/// While one of these is there, nothing on this OS thread may switch.
pub(crate) struct Forbid(PhantomData<*const ()>);

/// Forbids switching until the guard is dropped.
pub(crate) fn forbid() -> Forbid {
    HERE.with(|here| here.forbidden.set(here.forbidden.get() + 1));
    Forbid(PhantomData)
}

impl Drop for Forbid {
    fn drop(&mut self) {
        HERE.with(|here| here.forbidden.set(here.forbidden.get() - 1));
    }
}

#[inline(always)]
pub(crate) fn switching_forbidden() -> bool {
    HERE.with(|here| here.forbidden.get() != 0)
}

/// Panics if switching is forbidden.
#[inline(always)]
#[track_caller]
pub(crate) fn check_may_switch(what: &str) {
    if switching_forbidden() {
        refuse(what);
    }
}

#[cold]
#[track_caller]
fn refuse(what: &str) -> ! {
    panic!("{what} may not switch here: inside on_hub_stack or a hook of the hub");
}

/// Notes that a stack was left for ever in the middle of an unwinding, whose panic the OS thread counts for ever.
pub(crate) fn strand_panic() {
    HERE.with(|here| here.stranded_panics.set(here.stranded_panics.get() + 1));
}

/// Whether `std::thread::panicking` says true for ever on this OS thread, and so says nothing.
pub(crate) fn panic_is_stranded() -> bool {
    HERE.with(|here| here.stranded_panics.get() != 0)
}

/// Whoever makes what an OS thread may leave behind asks to be told of its end.
fn await_the_end() {
    // Fails when the OS thread is already ending, which is then known.
    let _ = END.try_with(|_| ());
}

/// Whether the OS thread destroys its thread-locals: then what is suspended is left as it stands (S5).
pub(crate) fn os_thread_ends() -> bool {
    HERE.with(|here| here.ending.get())
}
