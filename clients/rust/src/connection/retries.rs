use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName};
use tonic::{Code, Status};

use super::service_config::{RetryPolicy, RetryThrottling};
use crate::{Error, pause};

const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
/// How many stopping servers a call may meet.
const MAX_DRAINS: u32 = 5;

/// The budget of a connection for sending calls again (gRFC A6): failures take from it, successes give back.
#[derive(Debug)]
pub(super) struct RetryBudget {
    throttling: RetryThrottling,
    tokens: Mutex<f64>,
}

impl RetryBudget {
    pub(super) fn new(throttling: RetryThrottling) -> Self {
        Self { throttling, tokens: Mutex::new(throttling.max_tokens) }
    }

    pub(super) fn note_success(&self) {
        self.change(self.throttling.token_ratio);
    }

    /// Notes a failure; whether there is still enough to try again.
    fn note_failure(&self) -> bool {
        self.change(-1.0) > self.throttling.max_tokens / 2.0
    }

    fn change(&self, by: f64) -> f64 {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + by).clamp(0.0, self.throttling.max_tokens);
        *tokens
    }
}

/// How often a call was sent so far.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    policy: Option<&'a RetryPolicy>,
    budget: &'a RetryBudget,
    made: u32,
    drains: u32,
    /// The server's word on when to try again starts the backoff anew.
    since_pushback: i32,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(policy: Option<&'a RetryPolicy>, budget: &'a RetryBudget) -> Self {
        Self { policy, budget, made: 0, drains: 0, since_pushback: 0 }
    }

    /// How often the call was sent before.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Notes that the call failed, and gives the time to wait before it is sent again; `None` if it is not to be.
    ///
    /// A server that is about to stop has done nothing, so any call can be sent again, and costs nothing of the budget: the
    /// next one is well.
    pub(super) fn pause_after(&mut self, code: Code, trailers: &HeaderMap) -> Option<Duration> {
        if is_draining(trailers) {
            self.made += 1;
            self.drains += 1;
            return (self.drains < MAX_DRAINS).then(|| pause::before(self.drains));
        }
        let policy = self.policy.filter(|policy| policy.retries(code))?;
        self.made += 1;
        let pushback = trailers.get(PUSHBACK).map(|value| value.to_str().ok()?.parse().ok().map(Duration::from_millis));
        if !self.budget.note_failure() || self.made >= policy.max_attempts {
            return None;
        }
        match pushback {
            // A text that is no number, or a negative number, says not to try again.
            Some(told) => {
                self.since_pushback = 0;
                told
            }
            None => {
                let bound = policy.initial_backoff.as_secs_f64() * policy.backoff_multiplier.powi(self.since_pushback);
                self.since_pushback += 1;
                Some(policy.max_backoff.min(Duration::from_secs_f64(bound)).mul_f64(fastrand::f64()))
            }
        }
    }
}

fn is_draining(trailers: &HeaderMap) -> bool {
    let status = Status::from_header_map(trailers);
    status.is_some_and(|status| Error::from(status).reason() == Some("SERVER_DRAINING"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::service_config::RetryableCode;

    const THROTTLING: RetryThrottling = RetryThrottling { max_tokens: 10.0, token_ratio: 0.1 };

    fn policy() -> RetryPolicy {
        RetryPolicy {
            max_attempts: 4,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_millis(150),
            backoff_multiplier: 2.0,
            retryable_status_codes: vec![RetryableCode::Unavailable],
        }
    }

    fn pushback(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(PUSHBACK, value.parse().unwrap())])
    }

    #[test]
    fn backoff_is_random_up_to_a_bound() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        let mut attempts = Attempts::new(Some(&policy), &budget);
        for bound in [100, 150, 150] {
            let pause = attempts.pause_after(Code::Unavailable, &HeaderMap::new()).unwrap();
            assert!(pause <= Duration::from_millis(bound), "{pause:?}");
        }
        assert_eq!(attempts.pause_after(Code::Unavailable, &HeaderMap::new()), None, "that was the fourth attempt");
    }

    #[test]
    fn other_codes_are_not_retried_and_cost_nothing() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        assert_eq!(Attempts::new(Some(&policy), &budget).pause_after(Code::Aborted, &HeaderMap::new()), None);
        assert_eq!(budget.change(0.0), 10.0);
    }

    #[test]
    fn the_server_says_when_or_that_not() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        for (value, wanted) in [("1500", Some(Duration::from_millis(1500))), ("-1", None), ("soon", None)] {
            let mut attempts = Attempts::new(Some(&policy), &budget);
            assert_eq!(attempts.pause_after(Code::Unavailable, &pushback(value)), wanted, "{value}");
        }
    }

    #[test]
    fn a_budget_that_is_half_used_up_allows_no_more() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        let mut allowed = 0;
        while Attempts::new(Some(&policy), &budget).pause_after(Code::Unavailable, &HeaderMap::new()).is_some() {
            allowed += 1;
        }
        assert_eq!(allowed, 4);
        for _ in 0..30 {
            budget.note_success();
        }
        assert!(Attempts::new(Some(&policy), &budget).pause_after(Code::Unavailable, &HeaderMap::new()).is_some());
    }
}
