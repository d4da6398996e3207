use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Waits before the next try.
pub(crate) async fn pause(attempt: u32) {
    tokio::time::sleep(before(attempt)).await;
}

/// Gives the time to wait before the next try, random up to a bound that doubles: those that collided do not do so again at the
/// same moment.
pub(crate) fn before(attempt: u32) -> Duration {
    let bound = LONGEST.min(FIRST * 2_u32.saturating_pow(attempt - 1).min(64));
    bound.mul_f64(fastrand::f64())
}
