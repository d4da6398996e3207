//! Values to and from Rust's own.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use twinfront::{
    from_value, from_values, to_value, to_values,
    v1::{CreateOrReplaceDigitalTwinRequest, DigitalTwin, Value},
};

#[test]
fn json_comes_back_as_it_was() {
    for json in [
        json!(null),
        json!(true),
        json!(0),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(21.0),
        json!(-0.5),
        json!(f64::MAX),
        json!(""),
        json!("ä🏢"),
        json!([1, 1.0, "x", null, []]),
        json!({"a/b": {}, "": 1}),
    ] {
        let value = to_value(&json).unwrap();
        assert_eq!(from_value::<serde_json::Value>(value.clone()).unwrap(), json);
        assert_eq!(serde_json::from_value::<Value>(json).unwrap(), value);
    }
}

#[test]
fn integers_and_doubles_stay_apart() {
    assert_eq!(to_value(1_u8).unwrap().as_i64(), Some(1));
    assert_eq!(to_value(i128::from(i64::MIN)).unwrap().as_i64(), Some(i64::MIN));
    assert_eq!(to_value(1.0).unwrap().as_i64(), None);
    assert_eq!(to_value(0.5_f32).unwrap().as_f64(), Some(0.5));
    let text = |value: Value| serde_json::to_string(&value).unwrap();
    assert_eq!((text(to_value(1).unwrap()), text(to_value(1.0).unwrap())), ("1".into(), "1.0".into()));
    assert!(from_value::<i64>(to_value(1.0).unwrap()).is_err());
    assert_eq!(from_value::<f64>(to_value(1).unwrap()), Ok(1.0), "the service may store a double without its point");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Mode {
    Off,
    Heat(f64),
    Timed { from: u8, to: u8 },
    Range(i64, i64),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Room {
    temperature: f64,
    counter: i64,
    name: Option<String>,
    modes: Vec<Mode>,
    labels: BTreeMap<String, char>,
    raw: Value,
}

#[test]
fn structs_are_properties() {
    let room = Room {
        temperature: 21.5,
        counter: 9_007_199_254_740_993,
        name: None,
        modes: vec![Mode::Off, Mode::Heat(20.0), Mode::Timed { from: 6, to: 22 }, Mode::Range(1, 2)],
        labels: BTreeMap::from([("a/b".into(), 'x')]),
        raw: to_value(["as it is"]).unwrap(),
    };
    let properties = to_values(&room).unwrap();
    assert!(properties["name"].is_null());
    assert_eq!(properties["modes"].as_list().unwrap()[0].as_str(), Some("off"));
    assert_eq!(from_values::<Room>(properties).unwrap(), room);
}

#[test]
fn what_has_no_json_form_is_refused_by_its_path() {
    let refused = |error: Result<Value, twinfront::ValueError>, path: &str, problem: &str| {
        let error = error.unwrap_err();
        assert_eq!((error.path(), error.problem()), (path, problem));
    };
    refused(to_value(f64::NAN), "", "is NaN, which JSON has no form for");
    refused(to_value(HashMap::from([("a/b", [0.0, f64::INFINITY])])), "/a~1b/1", "is inf, which JSON has no form for");
    let most = u64::try_from(i64::MAX).unwrap();
    refused(to_value([most + 1]), "/0", "is 9223372036854775808, beyond the 64 bits of a DTDL long");
    refused(to_value(BTreeMap::from([(1, 1)])), "", "has a name that is no string");
    refused(to_value(Mode::Heat(f64::NAN)), "/heat", "is NaN, which JSON has no form for");
    assert_eq!(to_values(1).unwrap_err().to_string(), "the value is no object");
}

#[test]
fn nesting_ends_where_protobuf_ends() {
    let lists = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let objects = |depth| (0..depth).fold(json!(1), |inner, _| json!({"a": inner}));
    for most in [lists(48), objects(32)] {
        let properties = to_values(json!({"p": most})).unwrap();
        let twin = DigitalTwin { properties: properties.clone(), ..Default::default() };
        let request = CreateOrReplaceDigitalTwinRequest { digital_twin: Some(twin), ..Default::default() };
        assert_eq!(CreateOrReplaceDigitalTwinRequest::decode(request.encode_to_vec().as_slice()).unwrap(), request);
        assert_eq!(from_values::<serde_json::Value>(properties).unwrap()["p"], most);
        assert_eq!(from_value::<serde_json::Value>(to_value(&most).unwrap()).unwrap(), most);
    }
    for too_much in [lists(49), objects(33), lists(1000)] {
        let error = to_values(json!({"p": too_much})).unwrap_err();
        assert!(error.path().starts_with("/p/"), "{error}");
        assert_eq!(
            (error.problem(), error.path().len() - 2),
            ("is nested too deeply", to_value(too_much).unwrap_err().path().len())
        );
    }
}

#[test]
fn what_is_of_another_type_is_told_by_its_path() {
    let properties = to_values(json!({"temperature": 1, "counter": [1, "x"]})).unwrap();
    let error = from_values::<HashMap<String, Vec<i64>>>(properties.clone()).unwrap_err();
    assert!(["/temperature", "/counter/1"].contains(&error.path()), "{error}");
    let error = from_value::<(i64,)>(to_value([1, 2]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the value is not as expected: the list has too many elements");
}

#[test]
fn plain_values_convert_without_serde() {
    assert_eq!(Value::from(1).as_i64(), Some(1));
    assert_eq!(Value::from("x").as_str(), Some("x"));
    assert_eq!(Value::from(true).as_bool(), Some(true));
    assert_eq!(Value::from(vec![Value::from(1_i64)]), to_value([1]).unwrap());
    assert_eq!(Value::try_from(1.5).unwrap().as_f64(), Some(1.5));
    assert!(Value::try_from(f64::NAN).is_err());
}

#[test]
fn numbers_of_arbitrary_precision_are_numbers() {
    #[derive(Serialize)]
    struct Passed {
        #[serde(rename = "$serde_json::private::Number")]
        number: &'static str,
    }
    let number = |number| to_value([Passed { number }]).map(|list| list.as_list().unwrap()[0].clone());
    assert_eq!(number("9223372036854775807"), Ok(i64::MAX.into()));
    assert_eq!(number("1.0"), to_value(1.0));
    assert_eq!(number("1e3"), to_value(1000.0));
    assert_eq!(number("9223372036854775808").unwrap_err().path(), "/0");
}

#[test]
fn a_number_is_read_as_a_double_whichever_way_it_was_written() {
    assert_eq!(to_value(20).unwrap().as_f64(), Some(20.0));
    assert_eq!(to_value(20.5).unwrap().as_f64(), Some(20.5));
    assert_eq!(to_value(i64::MIN).unwrap().as_f64(), Some(-9_223_372_036_854_775_808.0));
    for other in [json!(null), json!(true), json!("20"), json!([20])] {
        assert_eq!(to_value(other).unwrap().as_f64(), None);
    }
    assert_eq!(Value::default().as_f64(), None);
}
