//! Years of a router's life in virtual time, held against the promises of the design.
//!
//! The world ([`world`]) has a line that reconnects, flaps, loses its route or its clock; every other one has a netifd
//! that notices later than the kernel on which device its network is today, every third a second line, every fifth hosts behind
//! a prefix ([`lines`]); and there is a provider of changing
//! moods that may apply a request long after the client gave up, whose name servers ([`servers`]) show it late, and whose
//! zone strangers change. The process is killed at any step, between any two
//! actions. [`promises`] watches what arrives at the provider.
//!
//! A failing seed is printed; `WANBEACON_SEED=<seed> cargo test --test it simulator` plays it again.

#![expect(
    clippy::print_stderr,
    reason = "the seed and the diary of a failure are for the person who runs the tests"
)]

mod dice;
mod lines;
mod promises;
mod servers;
mod world;

use world::World;

const YEAR_DAYS: u64 = 365;

/// Runs seeds, or the one that the environment names.
fn each_seed(seeds: std::ops::Range<u64>, run: impl Fn(u64)) {
    #[expect(clippy::disallowed_methods, reason = "a failing seed is replayed by naming it")]
    let only = std::env::var("WANBEACON_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(seeds, |seed| seed..seed + 1) {
        eprintln!("WANBEACON_SEED={seed}");
        run(seed);
    }
}

#[test]
fn in_120_virtual_years_of_nightly_reconnects_outages_and_kills_every_promise_holds() {
    each_seed(0..120, |seed| World::new(seed).live(YEAR_DAYS));
}

#[test]
fn in_1_virtual_year_of_a_line_that_flaps_all_day_every_promise_holds() {
    each_seed(1000..1073, |seed| World::new(seed).flapping().live(YEAR_DAYS / 73));
}
