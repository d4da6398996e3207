use std::fmt;

use serde::{de, ser};

use crate::pointer;

/// Says which part of a value cannot be sent, or is not of the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    path: String,
    problem: String,
}

impl ValueError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    /// The JSON Pointer to the part, such as `/address/city`; empty for the value itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The fault, in words, such as `is NaN, which JSON has no form for`.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// The error as seen from the list or object that the value is in. The path is put together on the way out, so that
    /// it costs nothing where all is well.
    pub(super) fn under(mut self, name: &str) -> Self {
        self.path.insert_str(0, &pointer([name]));
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the value {}", self.problem),
            path => write!(f, "the value at {path} {}", self.problem),
        }
    }
}

impl std::error::Error for ValueError {}

impl ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(format!("cannot be sent: {message}"))
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(format!("is not as expected: {message}"))
    }
}
