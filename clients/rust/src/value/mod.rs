//! Values of properties: [`v1::Value`](crate::v1::Value) from and to Rust's own.

mod de;
mod error;
mod name;
mod ser;

use std::collections::HashMap;

use serde::{Serialize, de::DeserializeOwned};

pub use error::ValueError;

use crate::v1::{ListValue, ObjectValue, Value, value::Kind};

/// How many messages may be in one another in a value: protobuf reads 100, and the value is in some of the request's.
const MAX_LEVELS: usize = 96;
/// The value, and the list in it.
const LIST_LEVELS: usize = 2;
/// The value, the object in it, and the entry of its map.
const OBJECT_LEVELS: usize = 3;

/// Makes a Rust value one that travels: anything that serde serializes as `serde_json` would, such as numbers, strings,
/// `Vec`, `HashMap<String, _>`, structs that derive `Serialize`, and `serde_json::Value` itself.
///
/// Integers stay integers: `1` is an `int_value` and `1.0` a `double_value`.
///
/// ```
/// use twinfront::to_value;
///
/// assert_eq!(to_value(1)?.as_i64(), Some(1));
/// assert_eq!(to_value(1.0)?.as_i64(), None);
/// assert_eq!(to_value(["a", "b"])?.as_list().map(<[_]>::len), Some(2));
/// # Ok::<(), twinfront::ValueError>(())
/// ```
///
/// # Errors
///
/// NaN, the infinities, integers beyond 64 bits with sign, bytes, names of members that are no strings, and what is
/// nested too deeply to travel: in more than 48 lists or 32 objects.
pub fn to_value(value: impl Serialize) -> Result<Value, ValueError> {
    value.serialize(ser::ValueSerializer { levels: MAX_LEVELS })
}

/// [`to_value`] for the properties of a twin, component or relationship: of a map or a struct.
///
/// ```
/// use serde_json::json;
/// use twinfront::{to_values, v1::DigitalTwin};
///
/// let properties = to_values(json!({"temperature": 20.5, "name": "lobby"}))?;
/// let twin = DigitalTwin { model_id: "dtmi:example:Room;1".into(), properties, ..Default::default() };
/// assert_eq!(twin.properties["temperature"].as_f64(), Some(20.5));
/// # Ok::<(), twinfront::ValueError>(())
/// ```
///
/// # Errors
///
/// Fails as [`to_value`] does, and for a value that is no object.
pub fn to_values(properties: impl Serialize) -> Result<HashMap<String, Value>, ValueError> {
    // The object around all properties is none of the values that travel.
    match properties.serialize(ser::ValueSerializer { levels: MAX_LEVELS + OBJECT_LEVELS })?.kind {
        Some(Kind::ObjectValue(object)) => Ok(object.fields),
        _ => Err(ValueError::new("is no object")),
    }
}

/// The Rust value that a value of the service stands for: `i64`, `String`, a struct that derives `Deserialize`, or
/// `serde_json::Value`, which keeps the two kinds of numbers apart.
///
/// ```
/// use twinfront::{from_value, to_value};
///
/// let json: serde_json::Value = from_value(to_value(i64::MAX)?)?;
/// assert_eq!(json.to_string(), "9223372036854775807");
/// # Ok::<(), twinfront::ValueError>(())
/// ```
///
/// # Errors
///
/// Fails for a value that is not of the type that is asked for. An integer is taken where a float is asked for, not the reverse.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ValueError> {
    T::deserialize(value)
}

/// [`from_value`] for properties, and for the columns of a query's row.
///
/// # Errors
///
/// Fails as [`from_value`] does.
pub fn from_values<T: DeserializeOwned>(properties: HashMap<String, Value>) -> Result<T, ValueError> {
    from_value(properties.into())
}

/// Gives a value as one of Rust's own types; `None` if it is of another kind.
impl Value {
    /// Tells whether the value is null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, None | Some(Kind::NullValue(_)))
    }

    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Some(Kind::BoolValue(value)) => Some(value),
            _ => None,
        }
    }

    /// The integer; a double is none, even one without a fraction.
    pub fn as_i64(&self) -> Option<i64> {
        match self.kind {
            Some(Kind::IntValue(value)) => Some(value),
            _ => None,
        }
    }

    /// The number, be it an integer or a double.
    pub fn as_f64(&self) -> Option<f64> {
        match self.kind {
            Some(Kind::DoubleValue(value)) => Some(value),
            Some(Kind::IntValue(value)) => Some(value as f64),
            _ => None,
        }
    }

    /// The string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Some(Kind::StringValue(value)) => Some(value),
            _ => None,
        }
    }

    /// The elements of the list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.kind {
            Some(Kind::ListValue(list)) => Some(&list.values),
            _ => None,
        }
    }

    /// The members of the object.
    pub fn as_object(&self) -> Option<&HashMap<String, Value>> {
        match &self.kind {
            Some(Kind::ObjectValue(object)) => Some(&object.fields),
            _ => None,
        }
    }
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind: Some(kind) }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Kind::BoolValue(value).into()
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        i64::from(value).into()
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Kind::IntValue(value).into()
    }
}

/// NaN and the infinities are refused.
impl TryFrom<f64> for Value {
    type Error = ValueError;

    fn try_from(value: f64) -> Result<Self, ValueError> {
        if value.is_finite() {
            Ok(Kind::DoubleValue(value).into())
        } else {
            Err(ValueError::new(format!("is {value}, which JSON has no form for")))
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Kind::StringValue(value).into()
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Kind::ListValue(ListValue { values }).into()
    }
}

impl From<HashMap<String, Value>> for Value {
    fn from(fields: HashMap<String, Value>) -> Self {
        Kind::ObjectValue(ObjectValue { fields }).into()
    }
}
