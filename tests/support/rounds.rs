//! How often tests repeat what is random: a few rounds in the test command, the full number on demand.

/// The variable that asks for the full number: `YUFU_ROUNDS=200`.
pub const VARIABLE: &str = "YUFU_ROUNDS";

/// What [`VARIABLE`] is for the full number of every test: the rounds of kill -9, of which other numbers are multiples.
const FULL: usize = 200;

/// How many rounds a test makes: `few` in the test command; `full` with `YUFU_ROUNDS=200`, and in proportion with another
/// number, one at least.
pub fn rounds(few: usize, full: usize) -> usize {
    match std::env::var(VARIABLE).ok().map(|number| number.parse::<usize>()) {
        None => few,
        Some(Ok(number)) => (full * number / FULL).max(1),
        Some(Err(error)) => panic!("{VARIABLE}: {error}"),
    }
}
