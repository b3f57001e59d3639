//! What a rival answers in a process of its own.

use super::{parking, sleeping, spawning, yielding};
use crate::{
    alone::Run,
    micro,
    rivals::{Runtime, monoio::Monoio, smol::Smol, tokio::Tokio},
};

pub(crate) fn find(peer: &str, case: &str) -> Option<Run> {
    match peer {
        "greenroom" => micro::find(case),
        "tokio" => futures::<Tokio>(case),
        "smol" => futures::<Smol>(case),
        "monoio" => futures::<Monoio>(case),
        "may" => may(case),
        "os-threads" if case == "mem_parked" => Some(Run::Held(parking::os_threads)),
        _ => None,
    }
}

fn futures<R: Runtime>(case: &str) -> Option<Run> {
    Some(match case {
        "mem_parked" => Run::Held(parking::futures::<R>),
        "growth_spawn" => Run::Grown(spawning::futures::<R>),
        "growth_yield" => Run::Grown(yielding::futures::<R>),
        "growth_sleep" => Run::Grown(sleeping::futures::<R>),
        _ => return None,
    })
}

fn may(case: &str) -> Option<Run> {
    Some(match case {
        "mem_parked" => Run::Held(parking::may),
        "growth_spawn" => Run::Grown(spawning::may),
        "growth_yield" => Run::Grown(yielding::may),
        "growth_sleep" => Run::Grown(sleeping::may),
        _ => return None,
    })
}
