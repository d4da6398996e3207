use std::collections::HashMap;

use serde::ser::{self, Serialize, Serializer};

use super::{LIST_LEVELS, OBJECT_LEVELS, ValueError, name::NameSerializer};
use crate::v1::{Value, value::Kind};

/// Serializes into a [`Value`].
#[derive(Clone, Copy)]
pub(super) struct ValueSerializer {
    /// How many levels the value may have.
    pub(super) levels: usize,
}

impl ValueSerializer {
    /// For what is in a list or object.
    fn within(self, levels: usize) -> Result<Self, ValueError> {
        let left = self.levels.checked_sub(levels).ok_or_else(|| ValueError::new("is nested too deeply"))?;
        Ok(Self { levels: left })
    }
}

fn too_large(value: impl std::fmt::Display) -> ValueError {
    ValueError::new(format!("is {value}, beyond the 64 bits of a DTDL long"))
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = VariantSerializer<ListSerializer>;
    type SerializeMap = ObjectSerializer;
    type SerializeStruct = ObjectSerializer;
    type SerializeStructVariant = VariantSerializer<ObjectSerializer>;

    fn serialize_bool(self, value: bool) -> Result<Value, ValueError> {
        Ok(value.into())
    }

    fn serialize_i8(self, value: i8) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, ValueError> {
        Ok(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<Value, ValueError> {
        i64::try_from(value).map(Value::from).map_err(|_| too_large(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, ValueError> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, ValueError> {
        i64::try_from(value).map(Value::from).map_err(|_| too_large(value))
    }

    fn serialize_u128(self, value: u128) -> Result<Value, ValueError> {
        i64::try_from(value).map(Value::from).map_err(|_| too_large(value))
    }

    fn serialize_f32(self, value: f32) -> Result<Value, ValueError> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, ValueError> {
        value.try_into()
    }

    fn serialize_char(self, value: char) -> Result<Value, ValueError> {
        Ok(value.to_string().into())
    }

    fn serialize_str(self, value: &str) -> Result<Value, ValueError> {
        Ok(value.into())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Value, ValueError> {
        Err(ValueError::new("is bytes, which JSON has no form for"))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Kind::NullValue(prost_types::NullValue::NullValue.into()).into())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, ValueError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let content = value.serialize(self.within(OBJECT_LEVELS)?).map_err(|error| error.under(variant))?;
        Ok(HashMap::from([(variant.to_owned(), content)]).into())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<ListSerializer, ValueError> {
        Ok(ListSerializer { elements: self.within(LIST_LEVELS)?, values: Vec::with_capacity(length.unwrap_or(0)) })
    }

    fn serialize_tuple(self, length: usize) -> Result<ListSerializer, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<ListSerializer, ValueError> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, ValueError> {
        Ok(VariantSerializer { variant, content: self.within(OBJECT_LEVELS)?.serialize_seq(Some(length))? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<ObjectSerializer, ValueError> {
        Ok(ObjectSerializer { members: self.within(OBJECT_LEVELS)?, fields: HashMap::new(), name: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<ObjectSerializer, ValueError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, ValueError> {
        Ok(VariantSerializer { variant, content: self.within(OBJECT_LEVELS)?.serialize_map(None)? })
    }
}

pub(super) struct ListSerializer {
    elements: ValueSerializer,
    values: Vec<Value>,
}

impl ListSerializer {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let index = self.values.len();
        self.values.push(value.serialize(self.elements).map_err(|error| error.under(&index.to_string()))?);
        Ok(())
    }
}

impl ser::SerializeSeq for ListSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.values.into())
    }
}

impl ser::SerializeTuple for ListSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.values.into())
    }
}

impl ser::SerializeTupleStruct for ListSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.push(value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.values.into())
    }
}

pub(super) struct ObjectSerializer {
    members: ValueSerializer,
    fields: HashMap<String, Value>,
    /// The name of the member whose value comes next.
    name: String,
}

impl ObjectSerializer {
    fn insert<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), ValueError> {
        let value = value.serialize(self.members).map_err(|error| error.under(&name))?;
        self.fields.insert(name, value);
        Ok(())
    }
}

impl ser::SerializeMap for ObjectSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.name = key.serialize(NameSerializer)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let name = std::mem::take(&mut self.name);
        self.insert(name, value)
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(self.fields.into())
    }
}

impl ser::SerializeStruct for ObjectSerializer {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ValueError> {
        self.insert(name.to_owned(), value)
    }

    fn end(self) -> Result<Value, ValueError> {
        match self.fields.get(JSON_NUMBER).and_then(Value::as_str) {
            Some(number) => number_of(number),
            None => Ok(self.fields.into()),
        }
    }
}

/// As what `serde_json` passes on its numbers if any crate of a program asks it for `arbitrary_precision`.
const JSON_NUMBER: &str = "$serde_json::private::Number";

fn number_of(text: &str) -> Result<Value, ValueError> {
    if text.contains(['.', 'e', 'E']) {
        return text.parse::<f64>().map_err(ser::Error::custom)?.try_into();
    }
    text.parse::<i64>().map(Value::from).map_err(|_| too_large(text))
}

/// The content of an enum's variant, which becomes an object with the variant's name as its only member.
pub(super) struct VariantSerializer<S> {
    variant: &'static str,
    content: S,
}

impl<S> VariantSerializer<S> {
    fn wrapped(variant: &'static str, content: Value) -> Value {
        HashMap::from([(variant.to_owned(), content)]).into()
    }
}

impl ser::SerializeTupleVariant for VariantSerializer<ListSerializer> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.content.push(value).map_err(|error| error.under(self.variant))
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(Self::wrapped(self.variant, self.content.values.into()))
    }
}

impl ser::SerializeStructVariant for VariantSerializer<ObjectSerializer> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), ValueError> {
        self.content.insert(name.to_owned(), value).map_err(|error| error.under(self.variant))
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(Self::wrapped(self.variant, self.content.fields.into()))
    }
}

/// As serde sees it, a value is what it holds: it can be a member of structs, and be written as JSON.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::IntValue(value)) => serializer.serialize_i64(*value),
            Some(Kind::DoubleValue(value)) => serializer.serialize_f64(*value),
            Some(Kind::StringValue(value)) => serializer.serialize_str(value),
            Some(Kind::ListValue(list)) => serializer.collect_seq(&list.values),
            Some(Kind::ObjectValue(object)) => serializer.collect_map(&object.fields),
        }
    }
}
