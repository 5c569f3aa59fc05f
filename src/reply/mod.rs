//! Telling the result: who hears of it, in which words, and the way there.

pub mod compose;
mod inspect;
mod recipients;
mod words;

pub use compose::Composer;
