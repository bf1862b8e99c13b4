//! Repeatable chance.

use std::time::Duration;

/// xorshift64* (Vigna 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    /// One of several.
    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len() as u64);
        from[usize::try_from(at).expect("an index")].clone()
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Mostly short, sometimes as long as `most`: a uniform exponent.
    pub(super) fn pause(&mut self, least: Duration, most: Duration) -> Duration {
        let (low, high) = (least.as_secs_f64().max(1e-6).ln(), most.as_secs_f64().max(1e-6).ln());
        let at = self.below(1 << 20) as f64 / f64::from(1 << 20);
        Duration::from_secs_f64((low + (high - low) * at).exp())
    }
}
