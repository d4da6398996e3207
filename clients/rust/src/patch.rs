use std::fmt;

use prost_types::Timestamp;
use serde::Serialize;

use crate::{
    IntoPointer, ValueError, pointer, to_value,
    v1::{JsonPatchOperation, json_patch_operation::Op},
};

/// A JSON Patch document (RFC 6902) in the making.
///
/// Paths are JSON Pointers, or names as they are. The service applies all operations or none.
///
/// ```
/// use twinfront::Patch;
///
/// let operations = Patch::new()
///     .replace("/temperature", 22.5)
///     .add(["labels", "a/b"], "slash")
///     .remove("/comment")
///     .operations()?;
/// assert_eq!(operations[1].path, "/labels/a~1b");
/// # Ok::<(), twinfront::PatchError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Patch {
    operations: Vec<JsonPatchOperation>,
    error: Option<PatchError>,
}

impl Patch {
    /// An empty patch to add to.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value, whether or not there was one; each object on the way to it has to exist.
    pub fn add(self, path: impl IntoPointer, value: impl Serialize) -> Self {
        self.set(Op::Add, path.into_pointer(), value)
    }

    /// Replaces a value that exists.
    pub fn replace(self, path: impl IntoPointer, value: impl Serialize) -> Self {
        self.set(Op::Replace, path.into_pointer(), value)
    }

    /// Removes a value that exists.
    pub fn remove(self, path: impl IntoPointer) -> Self {
        self.push(JsonPatchOperation { op: Op::Remove.into(), path: path.into_pointer(), ..Default::default() })
    }

    /// Makes the twin one of another model, of which it has to be valid after the whole patch.
    pub fn migrate(self, model_id: &str) -> Self {
        self.replace("/$metadata/$model", model_id)
    }

    /// Records when the property's value was observed in the real world, to 100 ns. A [`SystemTime`] does as `when`.
    ///
    /// [`SystemTime`]: std::time::SystemTime
    pub fn source_time(self, property: &str, when: impl Into<Timestamp>) -> Self {
        self.replace(["$metadata", property, "sourceTime"], text_of(when.into()))
    }

    /// [`Patch::source_time`] for a property of a component, when a twin is patched.
    pub fn source_time_of(self, component: &str, property: &str, when: impl Into<Timestamp>) -> Self {
        self.replace([component, "$metadata", property, "sourceTime"], text_of(when.into()))
    }

    /// The document, for the field `patch` of a request.
    ///
    /// # Errors
    ///
    /// The fault of the first wrong step: a path that does not start with `/`, or a value that cannot be sent.
    pub fn operations(self) -> Result<Vec<JsonPatchOperation>, PatchError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.operations),
        }
    }

    fn set(self, op: Op, path: String, value: impl Serialize) -> Self {
        match to_value(value) {
            Ok(value) => {
                self.push(JsonPatchOperation { op: op.into(), path, value: Some(value), ..Default::default() })
            }
            Err(error) => self.fail(PatchProblem::Value(error)),
        }
    }

    fn push(mut self, operation: JsonPatchOperation) -> Self {
        if !operation.path.starts_with('/') {
            return self.fail(PatchProblem::Path(operation.path));
        }
        self.operations.push(operation);
        self
    }

    fn fail(mut self, problem: PatchProblem) -> Self {
        let index = self.operations.len();
        self.error.get_or_insert(PatchError { index, problem });
        self
    }
}

fn text_of(when: Timestamp) -> String {
    let seconds = Timestamp { seconds: when.seconds, nanos: 0 }.to_string();
    format!("{}.{:07}Z", seconds.trim_end_matches('Z'), when.nanos / 100)
}

/// A fault of a [`Patch`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatchError {
    /// The place of the operation, from 0.
    pub index: usize,
    /// The fault, in words.
    pub problem: PatchProblem,
}

/// A fault of one operation of a [`Patch`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatchProblem {
    /// The path does not start with `/`.
    Path(String),
    /// The value cannot be sent.
    Value(ValueError),
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "patch[{}]: ", self.index)?;
        match &self.problem {
            PatchProblem::Path(path) => write!(f, "a path starts with '/': '{}'", pointer([path])),
            PatchProblem::Value(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PatchError {}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn operations_are_in_order_and_paths_escaped() {
        let operations = Patch::new()
            .add("/a", 1)
            .replace(["a/b", "~c"], 1.5)
            .remove(vec!["x"])
            .migrate("dtmi:example:Room;2")
            .operations()
            .unwrap();
        let seen: Vec<_> = operations.iter().map(|operation| (operation.op(), operation.path.as_str())).collect();
        let wanted =
            [(Op::Add, "/a"), (Op::Replace, "/a~1b/~0c"), (Op::Remove, "/x"), (Op::Replace, "/$metadata/$model")];
        assert_eq!(seen, wanted);
        assert_eq!(operations[0].value.as_ref().unwrap().as_i64(), Some(1));
        assert_eq!(operations[2].value, None);
    }

    #[test]
    fn source_times_are_sent_to_100_ns() {
        let when = SystemTime::UNIX_EPOCH + Duration::new(1_780_299_000, 123_456_789);
        let operations =
            Patch::new().source_time("temperature", when).source_time_of("a/b", "c", when).operations().unwrap();
        assert_eq!(operations[0].path, "/$metadata/temperature/sourceTime");
        assert_eq!(operations[1].path, "/a~1b/$metadata/c/sourceTime");
        assert_eq!(operations[0].value.as_ref().unwrap().as_str(), Some("2026-06-01T07:30:00.1234567Z"));
    }

    #[test]
    fn the_first_wrong_step_is_told() {
        let error = Patch::new().remove("/a").add("b", 1).add("/c", f64::NAN).operations().unwrap_err();
        assert_eq!(error.to_string(), "patch[1]: a path starts with '/': '/b'");
        let error = Patch::new().add("/c", [0.5, f64::NAN]).operations().unwrap_err();
        assert_eq!(error.to_string(), "patch[0]: the value at /1 is NaN, which JSON has no form for");
    }
}
