//! Identifiers and secrets that look like the services' own, drawn from the seed so that two runs agree.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";

/// A stream of identifiers.
#[derive(Debug)]
pub struct Ids {
    random: StdRng,
}

impl Ids {
    /// Streams of one seed differ by `purpose`, so that drawing from one does not shift another.
    pub fn new(seed: u64, purpose: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed ^ purpose.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        }
    }

    /// 20 letters and digits, as HighLevel names records.
    pub fn record(&mut self) -> String {
        self.draw(ALPHANUMERIC, 20)
    }

    /// 24 hexadecimal digits, as Ecologi names trees and HighLevel its plans and apps.
    pub fn object(&mut self) -> String {
        self.draw(HEX, 24)
    }

    /// A UUID's outer form.
    pub fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12]
            .map(|length| self.draw(HEX, length))
            .join("-")
    }

    /// A secret of 40 letters and digits.
    pub fn secret(&mut self) -> String {
        self.draw(ALPHANUMERIC, 40)
    }

    pub fn bytes(&mut self) -> [u8; 32] {
        self.random.random()
    }

    /// One of the choices.
    ///
    /// # Panics
    /// When there are none: callers pass constant lists.
    pub fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.random.random_range(0..choices.len())]
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability.clamp(0.0, 1.0))
    }

    /// A number between two others, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.random.random_range(least..=most.max(least))
    }

    fn draw(&mut self, letters: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(letters[self.random.random_range(0..letters.len())]))
            .collect()
    }
}
