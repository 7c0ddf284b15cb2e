//! What a closed loop does not show of a stall: the requests that its clients would have made.

use std::time::Duration;

/// Requests that clients never made because they were held up for the answers to others: what is
/// missing to the usual rate (requests per second) in a window in which they made so many, but no more
/// than would have been due in the stall. So a server that is merely slower costs none.
pub fn never_made(usual: f64, stall: Duration, (window, made): (Duration, u64)) -> u64 {
    let due = |length: Duration| usual * length.as_secs_f64();
    let missing = (due(window) - made as f64).min(due(stall));
    missing.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_stall_explains_is_missing() {
        let secs = Duration::from_secs;
        // Held up for two of ten seconds, but for the eight requests that wait.
        assert_eq!(never_made(100.0, secs(2), (secs(10), 808)), 192);
        // Others went on meanwhile.
        assert_eq!(never_made(100.0, secs(2), (secs(10), 950)), 50);
        // Slower, without a stall.
        assert_eq!(never_made(100.0, secs(0), (secs(10), 500)), 0);
        // Faster than before.
        assert_eq!(never_made(100.0, secs(2), (secs(10), 2_000)), 0);
    }
}
