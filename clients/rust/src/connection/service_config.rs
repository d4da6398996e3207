use std::{collections::HashMap, sync::LazyLock, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use tonic::Code;

/// The timeouts and retries that the contract has for all clients alike; tonic itself knows no service config.
static SERVICE_CONFIG: LazyLock<ServiceConfig> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../generated/service_config.json")).expect("a test reads the service config")
});

static POLICIES: LazyLock<HashMap<String, Policy>> = LazyLock::new(|| {
    let mut policies = HashMap::new();
    for config in &SERVICE_CONFIG.method_config {
        for name in &config.name {
            policies.insert(format!("/{}/{}", name.service, name.method), config.policy.clone());
        }
    }
    policies
});

/// Looks a method up in the service config, by its path: `/twinfront.v1.QueryService/QueryTwins`.
pub(super) fn policy_of(path: &str) -> Policy {
    POLICIES.get(path).cloned().unwrap_or_default()
}

/// The budget that a connection starts with.
pub(super) fn retry_throttling() -> RetryThrottling {
    SERVICE_CONFIG.retry_throttling
}

/// The name under which servers say whether they serve.
pub(super) fn health_service() -> &'static str {
    &SERVICE_CONFIG.health_check_config.service_name
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceConfig {
    health_check_config: HealthCheckConfig,
    retry_throttling: RetryThrottling,
    method_config: Vec<MethodConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HealthCheckConfig {
    service_name: String,
}

#[derive(Deserialize)]
struct MethodConfig {
    name: Vec<MethodName>,
    #[serde(flatten)]
    policy: Policy,
}

#[derive(Deserialize)]
struct MethodName {
    service: String,
    method: String,
}

/// How much calls of a connection may be sent again: gRFC A6.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetryThrottling {
    pub(super) max_tokens: f64,
    pub(super) token_ratio: f64,
}

/// How calls of a method are treated.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    /// The time that a call has if the caller gives none.
    #[serde(default, deserialize_with = "some_duration")]
    pub(super) timeout: Option<Duration>,
    pub(super) retry_policy: Option<RetryPolicy>,
}

impl Policy {
    /// Tells whether the request is one message, which can be sent again: all but imports have a bound or a retry policy.
    pub(super) fn sends_one_message(&self) -> bool {
        self.timeout.is_some() || self.retry_policy.is_some()
    }

    /// Tells whether the answer is a stream, which takes as long as it takes.
    pub(super) fn is_of_stream(&self) -> bool {
        self.timeout.is_none()
    }
}

/// When a call is sent again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetryPolicy {
    pub(super) max_attempts: u32,
    #[serde(deserialize_with = "duration")]
    pub(super) initial_backoff: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) max_backoff: Duration,
    pub(super) backoff_multiplier: f64,
    pub(super) retryable_status_codes: Vec<RetryableCode>,
}

impl RetryPolicy {
    pub(super) fn retries(&self, code: Code) -> bool {
        self.retryable_status_codes.iter().any(|&retryable| Code::from(retryable) == code)
    }
}

/// The codes that the service config names.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RetryableCode {
    Unavailable,
    ResourceExhausted,
    /// Never comes here: what the server sends of it is UNAVAILABLE.
    Cancelled,
}

impl From<RetryableCode> for Code {
    fn from(code: RetryableCode) -> Self {
        match code {
            RetryableCode::Unavailable => Self::Unavailable,
            RetryableCode::ResourceExhausted => Self::ResourceExhausted,
            RetryableCode::Cancelled => Self::Cancelled,
        }
    }
}

/// A duration in the JSON form of protobuf: `0.1s`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seconds = text.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
    seconds.map(Duration::from_secs_f64).ok_or_else(|| D::Error::custom(format_args!("{text} is no duration")))
}

fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_sent_again_sooner_than_writes() {
        let read = policy_of("/twinfront.v1.DigitalTwinService/GetDigitalTwin");
        assert_eq!(read.timeout, Some(Duration::from_secs(30)));
        let retry = read.retry_policy.unwrap();
        assert_eq!((retry.max_attempts, retry.initial_backoff), (5, Duration::from_millis(100)));
        assert!(retry.retries(Code::Unavailable) && retry.retries(Code::ResourceExhausted));

        let write = policy_of("/twinfront.v1.DigitalTwinService/UpdateDigitalTwin");
        assert_eq!(write.timeout, Some(Duration::from_secs(60)));
        assert!(!write.retry_policy.unwrap().retries(Code::Unavailable));
    }

    #[test]
    fn streams_have_no_timeout_and_imports_are_sent_once() {
        let stream = policy_of("/twinfront.v1.QueryService/StreamQueryTwins");
        assert!(stream.timeout.is_none() && stream.retry_policy.is_some());
        assert!(policy_of("/twinfront.v1.GraphService/ImportGraph").retry_policy.is_none());
        assert!(policy_of("/grpc.health.v1.Health/Check").timeout.is_none());
        assert!(policy_of("/twinfront.v1.ModelService/CreateModels").sends_one_message() && stream.sends_one_message());
        assert!(!policy_of("/twinfront.v1.GraphService/ImportGraph").sends_one_message());
    }
}
