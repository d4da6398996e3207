//! What values of digital twins are found by.

use std::collections::{BTreeMap, HashMap};

use crate::v1::{DigitalTwin, Value, value::Kind as ValueKind};

/// Gives the key of the value that a JSON Pointer leads to; `None` if there is none.
pub(super) fn key_at(twin: &DigitalTwin, pointer: &str) -> Option<String> {
    let names = pointer.strip_prefix('/')?.split('/').map(|name| name.replace("~1", "/").replace("~0", "~"));
    let names: Vec<_> = names.collect();
    match (twin.components.get(&names[0]), &names[1..]) {
        (None, _) => key_within(&twin.properties, &names),
        (Some(component), []) => Some(index_key(&component.properties.clone().into())),
        (Some(component), rest) => key_within(&component.properties, rest),
    }
}

fn key_within(fields: &HashMap<String, Value>, names: &[String]) -> Option<String> {
    let (first, rest) = names.split_first()?;
    let mut value = fields.get(first)?;
    for name in rest {
        value = value.as_object()?.get(name)?;
    }
    Some(index_key(value))
}

/// Makes what equal values have in common, and others do not: 20 and 20.0 are one, 1 and true are two.
pub(super) fn index_key(value: &Value) -> String {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let joined = |parts: Vec<String>| parts.join(",");
    match &value.kind {
        None | Some(ValueKind::NullValue(_)) => "null".to_owned(),
        Some(ValueKind::BoolValue(flag)) => flag.to_string(),
        Some(ValueKind::IntValue(number)) => number.to_string(),
        Some(ValueKind::DoubleValue(number)) if number.fract() == 0.0 && (-BEYOND..BEYOND).contains(number) => {
            (*number as i64).to_string()
        }
        Some(ValueKind::DoubleValue(number)) => number.to_string(),
        Some(ValueKind::StringValue(text)) => format!("{text:?}"),
        Some(ValueKind::ListValue(list)) => format!("[{}]", joined(list.values.iter().map(index_key).collect())),
        Some(ValueKind::ObjectValue(object)) => {
            let fields: BTreeMap<_, _> = object.fields.iter().collect();
            let members = fields.into_iter().map(|(name, member)| format!("{name:?}:{}", index_key(member)));
            format!("{{{}}}", joined(members.collect()))
        }
    }
}
