use serde::ser::{Impossible, Serialize, Serializer};

use super::ValueError;

/// Serializes the name of a member, which has to be a string.
pub(super) struct NameSerializer;

type Refused = Impossible<String, ValueError>;

fn refused<T>() -> Result<T, ValueError> {
    Err(ValueError::new("has a name that is no string"))
}

/// Methods that take something other than a string.
macro_rules! refuse {
    ($($method:ident($type:ty);)*) => {
        $(fn $method(self, _: $type) -> Result<String, ValueError> {
            refused()
        })*
    };
}

impl Serializer for NameSerializer {
    type Ok = String;
    type Error = ValueError;
    type SerializeSeq = Refused;
    type SerializeTuple = Refused;
    type SerializeTupleStruct = Refused;
    type SerializeTupleVariant = Refused;
    type SerializeMap = Refused;
    type SerializeStruct = Refused;
    type SerializeStructVariant = Refused;

    fn serialize_str(self, name: &str) -> Result<String, ValueError> {
        Ok(name.to_owned())
    }

    fn serialize_char(self, name: char) -> Result<String, ValueError> {
        Ok(name.to_string())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, ValueError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, name: &T) -> Result<String, ValueError> {
        name.serialize(self)
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_bytes(&[u8]);
        serialize_unit_struct(&'static str);
    }

    fn serialize_none(self) -> Result<String, ValueError> {
        refused()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<String, ValueError> {
        refused()
    }

    fn serialize_unit(self) -> Result<String, ValueError> {
        refused()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, ValueError> {
        refused()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_tuple(self, _: usize) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Refused, ValueError> {
        refused()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Refused, ValueError> {
        refused()
    }
}
