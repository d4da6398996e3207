use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Waits before the next try, for a random time up to a bound that doubles: those that collided do not do so again at
/// the same moment.
pub(crate) async fn pause(attempt: u32) {
    let bound = LONGEST.min(FIRST * 2_u32.saturating_pow(attempt - 1).min(64));
    tokio::time::sleep(bound.mul_f64(fastrand::f64())).await;
}
