use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use tonic::Status;

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The moment at which a call has to have ended, answer and all.
///
/// tonic looks at the time until the first headers only, and calls it a cancellation when that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Option<Instant>);

impl Deadline {
    /// The one that the caller asks for by `Request::set_timeout`, else the default of the method.
    pub(super) fn of(headers: &HeaderMap, default: Option<Duration>) -> Self {
        let timeout = headers.get(TIMEOUT).and_then(parse).or(default);
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    pub(super) fn instant(self) -> Option<Instant> {
        self.0
    }

    /// Tells whether there is time left after so long a wait.
    pub(super) fn leaves(self, time: Duration) -> bool {
        self.0.is_none_or(|deadline| Instant::now() + time < deadline)
    }

    /// Tells the server how much time is left.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        if let Some(deadline) = self.0 {
            headers.insert(TIMEOUT, format(deadline.saturating_duration_since(Instant::now())));
        }
    }

    /// Ends work that takes longer.
    pub(super) async fn enforce<T>(self, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
        match self.0 {
            Some(deadline) => tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_| Err(exceeded())),
            None => call.await,
        }
    }
}

pub(super) fn exceeded() -> Status {
    Status::deadline_exceeded("the time for the call has run out")
}

/// At most 8 digits and a unit.
fn parse(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(3600) * number,
        "M" => Duration::from_secs(60) * number,
        "S" => Duration::from_secs(1) * number,
        "m" => Duration::from_millis(1) * number,
        "u" => Duration::from_micros(1) * number,
        "n" => Duration::from_nanos(1) * number,
        _ => return None,
    })
}

fn format(left: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let text = if left.as_micros() <= MOST {
        format!("{}u", left.as_micros())
    } else if left.as_millis() <= MOST {
        format!("{}m", left.as_millis())
    } else {
        format!("{}S", u128::from(left.as_secs()).min(MOST))
    };
    text.parse().expect("digits and a letter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_in_all_units() {
        for (text, wanted) in [
            ("2H", Some(Duration::from_secs(7200))),
            ("3M", Some(Duration::from_secs(180))),
            ("4S", Some(Duration::from_secs(4))),
            ("5m", Some(Duration::from_millis(5))),
            ("99999999u", Some(Duration::from_micros(99_999_999))),
            ("7n", Some(Duration::from_nanos(7))),
            ("999999999u", None),
            ("7", None),
            ("", None),
            ("u", None),
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), wanted, "{text}");
        }
    }

    #[test]
    fn timeouts_are_written_in_the_finest_unit_that_they_fit() {
        for (left, wanted) in [
            (Duration::from_millis(300), "300000u"),
            (Duration::from_secs(300), "300000m"),
            (Duration::from_secs(200_000), "200000S"),
            (Duration::MAX, "99999999S"),
        ] {
            assert_eq!(format(left), wanted);
        }
    }
}
