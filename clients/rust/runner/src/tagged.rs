//! JSON in which numbers are tagged: `{"$int": "1"}`, `{"$double": "1.5"}`.

use serde_json::{Map, Number, Value as Json, json};

use crate::Result;

/// Plain JSON, with numbers of the right kind.
pub(crate) fn untagged(value: &Json) -> Result<Json> {
    Ok(match value {
        Json::Object(members) => match (members.get("$int"), members.get("$double")) {
            (Some(Json::String(text)), _) => text.parse::<i64>()?.into(),
            (_, Some(Json::String(text))) => Number::from_f64(text.parse()?).ok_or("no number of JSON")?.into(),
            _ => members
                .iter()
                .map(|(name, member)| Ok((name.clone(), untagged(member)?)))
                .collect::<Result<Map<_, _>>>()?
                .into(),
        },
        Json::Array(items) => items.iter().map(untagged).collect::<Result<Vec<_>>>()?.into(),
        other => other.clone(),
    })
}

/// Tagged JSON of plain one.
pub(crate) fn tagged(value: Json) -> Json {
    match value {
        Json::Number(number) if number.is_i64() => json!({"$int": number.to_string()}),
        Json::Number(number) => json!({"$double": number.to_string()}),
        Json::Object(members) => members.into_iter().map(|(name, member)| (name, tagged(member))).collect(),
        Json::Array(items) => items.into_iter().map(tagged).collect(),
        other => other,
    }
}
