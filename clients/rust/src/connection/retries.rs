use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tonic::{Code, Status};

use super::{
    broken,
    service_config::{RetryPolicy, RetryThrottling},
};
use crate::{Error, pause};

const PUSHBACK: &str = "grpc-retry-pushback-ms";
const REPLAYED: &str = "twinfront-replayed";
/// How often something that answers, or breaks, is tried: a write, or a stream since it last brought something.
pub(crate) const SEVERAL_ATTEMPTS: u32 = 5;
/// As many attempts as there is time for.
pub(crate) const UNBOUNDED: u32 = u32::MAX;

/// The reasons that say that nothing was done and another attempt may succeed, with the most attempts at a call.
const MOST_ATTEMPTS: &[(&str, u32)] = &[
    // begin reasons: made by clients/reasons.py; do not edit
    ("SERVER_DRAINING", UNBOUNDED),
    ("UPSTREAM_UNAVAILABLE", 5),
    ("AUTHORIZER_UNAVAILABLE", 5),
    // end reasons
];

/// Looks a reason up; `None` for one that says nothing about further attempts.
pub(crate) fn most_attempts(reason: &str) -> Option<u32> {
    MOST_ATTEMPTS.iter().find(|&&(name, _)| name == reason).map(|&(_, most)| most)
}

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

/// Counts the attempts at a call, and decides after each whether there is another one.
///
/// | an attempt that …            | has done        | is followed by another one                       |
/// | ---------------------------- | --------------- | ------------------------------------------------ |
/// | is told SERVER_DRAINING      | nothing         | while there is time                              |
/// | finds no connection          | nothing         | while there is time, once the server was seen    |
/// | is told UPSTREAM_UNAVAILABLE | nothing         | four times                                       |
/// | loses its connection         | all, or nothing | four times, if the call bears that               |
/// | ends with another code       | what that says  | as the service config says: reads, and throttled |
///
/// A server that forbids another attempt (`grpc-retry-pushback-ms`) is obeyed, and one that asks to wait is waited for. A
/// stream that has brought nothing is sent again as the service config says, and no more.
///
/// A write bears it if it has a `request_id`, the same each time: a server that knows it answers with the outcome of the
/// first attempt. Another server, or the same after a restart, does not know it, and applies the write. That is no harm if
/// the write ends in the same state twice; but if it is refused then, that may be for what its own first attempt did. So
/// after a lost answer only a success counts, or an answer that is marked as the first one's; else the call ends with the
/// loss, unless its time ended, which says as little of what it has done.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    policy: Option<&'a RetryPolicy>,
    budget: &'a RetryBudget,
    bears_a_loss: bool,
    is_stream: bool,
    made: u32,
    /// Those that the policy counts.
    by_policy: u32,
    /// Outages and losses.
    failures: u32,
    /// The server's word on when to try again starts the backoff anew.
    since_pushback: i32,
    /// The first failure after which nobody knows what the call has done.
    lost: Option<Status>,
}

/// How many attempts a failure is worth.
enum Worth {
    AtMost(u32),
    WhatThePolicySays,
}

impl<'a> Attempts<'a> {
    /// `bears_a_loss` tells whether a write may be sent again after its answer was lost.
    pub(super) fn new(policy: Option<&'a RetryPolicy>, budget: &'a RetryBudget, bears_a_loss: bool) -> Self {
        let (is_stream, lost) = (false, None);
        Self { policy, budget, bears_a_loss, is_stream, made: 0, by_policy: 0, failures: 0, since_pushback: 0, lost }
    }

    /// Those at a stream that has brought nothing yet.
    pub(super) fn at_stream(policy: Option<&'a RetryPolicy>, budget: &'a RetryBudget) -> Self {
        Self { is_stream: true, ..Self::new(policy, budget, false) }
    }

    /// How often the call was sent before.
    pub(super) fn made(&self) -> u32 {
        self.made
    }

    /// Notes that an attempt failed, and gives the time to wait before the next one; `None` if there is to be none.
    ///
    /// `was_seen` tells whether the client had a connection to the server before.
    pub(super) fn pause_after(&mut self, failure: &Status, was_seen: bool) -> Option<Duration> {
        self.made += 1;
        if failure.metadata().get(REPLAYED).is_some_and(|value| value == "true") {
            self.lost = None;
            return None;
        }
        if matches!(failure.code(), Code::DeadlineExceeded | Code::Cancelled) {
            self.lost = None;
        }
        match self.worth(failure, was_seen) {
            Worth::WhatThePolicySays => self.pause_of_policy(failure),
            Worth::AtMost(_) if forbids_another(failure) => None,
            Worth::AtMost(most) => {
                self.failures += u32::from(most != UNBOUNDED);
                (self.failures < most).then(|| pause::before(self.made).max(asked_for(failure)))
            }
        }
    }

    /// Gives the failure that is true of all attempts, if that is not the last one: that of a lost answer.
    pub(super) fn into_loss(self) -> Option<Status> {
        self.lost
    }

    fn worth(&mut self, failure: &Status, was_seen: bool) -> Worth {
        let is_read = self.policy.is_some_and(|policy| policy.retries(Code::Unavailable));
        if failure.code() == Code::Unavailable && !self.is_stream {
            let was_sent = !broken::was_never_sent(failure);
            match Error::from(failure.clone()).reason().map(most_attempts) {
                Some(Some(UNBOUNDED)) => return Worth::AtMost(UNBOUNDED),
                Some(Some(most)) if !is_read => return Worth::AtMost(most),
                None if !was_sent && was_seen => return Worth::AtMost(UNBOUNDED),
                None if was_sent && !is_read => {
                    self.lost.get_or_insert_with(|| failure.clone());
                    return Worth::AtMost(if self.bears_a_loss { SEVERAL_ATTEMPTS } else { 1 });
                }
                _ => {}
            }
        }
        Worth::WhatThePolicySays
    }

    fn pause_of_policy(&mut self, failure: &Status) -> Option<Duration> {
        let policy = self.policy.filter(|policy| policy.retries(failure.code()))?;
        self.by_policy += 1;
        if !self.budget.note_failure() || self.by_policy >= policy.max_attempts {
            return None;
        }
        if let Some(told) = pushback(failure) {
            self.since_pushback = 0;
            return told;
        }
        let bound = policy.initial_backoff.as_secs_f64() * policy.backoff_multiplier.powi(self.since_pushback);
        self.since_pushback += 1;
        Some(policy.max_backoff.min(Duration::from_secs_f64(bound)).mul_f64(fastrand::f64()))
    }
}

/// Tells whether the server says that no other attempt helps.
pub(crate) fn forbids_another(failure: &Status) -> bool {
    pushback(failure) == Some(None)
}

/// Gives when the server wants another attempt (gRFC A6), if it says so: a text that is no number, or a negative number,
/// stands for never.
fn pushback(failure: &Status) -> Option<Option<Duration>> {
    let told = failure.metadata().get(PUSHBACK)?;
    Some(told.to_str().ok().and_then(|text| text.parse().ok()).map(Duration::from_millis))
}

/// Gives the time that the server asks to wait.
fn asked_for(failure: &Status) -> Duration {
    match Error::from(failure.clone()) {
        Error::Unavailable { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
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

    fn unavailable() -> Status {
        Status::unavailable("No.")
    }

    fn pushback(value: &'static str) -> Status {
        let mut status = unavailable();
        status.metadata_mut().insert(PUSHBACK, value.parse().unwrap());
        status
    }

    #[test]
    fn backoff_is_random_up_to_a_bound() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        let mut attempts = Attempts::new(Some(&policy), &budget, false);
        for bound in [100, 150, 150] {
            let pause = attempts.pause_after(&unavailable(), true).unwrap();
            assert!(pause <= Duration::from_millis(bound), "{pause:?}");
        }
        assert_eq!(attempts.pause_after(&unavailable(), true), None, "that was the fourth attempt");
    }

    #[test]
    fn other_codes_are_not_retried_and_cost_nothing() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        assert_eq!(Attempts::new(Some(&policy), &budget, false).pause_after(&Status::aborted("No."), true), None);
        assert_eq!(budget.change(0.0), 10.0);
    }

    #[test]
    fn the_server_says_when_or_that_not() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        for (value, wanted) in [("1500", Some(Duration::from_millis(1500))), ("-1", None), ("soon", None)] {
            let mut attempts = Attempts::new(Some(&policy), &budget, false);
            assert_eq!(attempts.pause_after(&pushback(value), true), wanted, "{value}");
        }
    }

    #[test]
    fn a_budget_that_is_half_used_up_allows_no_more() {
        let (policy, budget) = (policy(), RetryBudget::new(THROTTLING));
        let mut allowed = 0;
        while Attempts::new(Some(&policy), &budget, false).pause_after(&unavailable(), true).is_some() {
            allowed += 1;
        }
        assert_eq!(allowed, 4);
        for _ in 0..30 {
            budget.note_success();
        }
        assert!(Attempts::new(Some(&policy), &budget, false).pause_after(&unavailable(), true).is_some());
    }
}
