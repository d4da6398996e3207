package twinfront

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// Protobuf reads 100 messages in one another, and a value is in some of the request's. A list is one in a value, an object
// one in a value with an entry in it.
const (
	maxLevels    = 96
	listLevels   = 2
	objectLevels = 3
)

// ValueError says which part of a value cannot be sent.
type ValueError struct {
	// Path is the JSON Pointer to the part: "/address/city"; empty for the value itself.
	Path string
	// Problem is the fault, in words.
	Problem string
}

// Error says where the part is and what is wrong with it.
func (e *ValueError) Error() string {
	if e.Path == "" {
		return "the value " + e.Problem
	}
	return "the value at " + e.Path + " " + e.Problem
}

// ToValue makes a Go value one that travels. It takes nil, bools, all integers and floats, strings, slices and arrays,
// maps with string keys, [json.Number], and values of type *twinfrontv1.Value, which stay as they are. Integers stay
// integers: 1 is an int_value and 1.0 a double_value. A nil slice is an empty list, a nil map an empty object, a nil
// *twinfrontv1.Value null.
//
// It returns a [*ValueError] for NaN, the infinities, integers beyond 64 bits with sign, text that is not UTF-8, values that are
// nested too deeply to travel (in more than 48 lists or 32 objects), and all other types; []byte is one of them, as JSON
// has no form for it.
func ToValue(value any) (*twinfrontv1.Value, error) { return toValue(value, "", 0) }

// FromValue gives the Go value that a value of the service stands for: nil, bool, int64, float64, string, []any or
// map[string]any. A property that the model says is a double may come as an int64, if it was written as an integer.
func FromValue(value *twinfrontv1.Value) any {
	switch kind := value.GetKind().(type) {
	case *twinfrontv1.Value_BoolValue:
		return kind.BoolValue
	case *twinfrontv1.Value_IntValue:
		return kind.IntValue
	case *twinfrontv1.Value_DoubleValue:
		return kind.DoubleValue
	case *twinfrontv1.Value_StringValue:
		return kind.StringValue
	case *twinfrontv1.Value_ListValue:
		list := make([]any, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			list[i] = FromValue(item)
		}
		return list
	case *twinfrontv1.Value_ObjectValue:
		return FromValues(kind.ObjectValue.GetFields())
	default:
		return nil
	}
}

// AsDouble reads a value as a float64, whether it travels as an integer or a double: a property that the model says is a double comes
// as an integer if it was written as one, and GetDoubleValue is 0 then. It tells whether the value is a number.
func AsDouble(value *twinfrontv1.Value) (float64, bool) {
	switch kind := value.GetKind().(type) {
	case *twinfrontv1.Value_IntValue:
		return float64(kind.IntValue), true
	case *twinfrontv1.Value_DoubleValue:
		return kind.DoubleValue, true
	default:
		return 0, false
	}
}

// ToValues is [ToValue] for the properties of a twin, component or relationship.
func ToValues(properties map[string]any) (map[string]*twinfrontv1.Value, error) {
	return toFields(reflect.ValueOf(properties), "", 0)
}

// FromValues is [FromValue] for properties, and for the columns of a query's row.
func FromValues(values map[string]*twinfrontv1.Value) map[string]any {
	properties := make(map[string]any, len(values))
	for name, value := range values {
		properties[name] = FromValue(value)
	}
	return properties
}

func toValue(value any, path string, levels int) (*twinfrontv1.Value, error) {
	if levels > maxLevels {
		return nil, &ValueError{path, "is nested too deeply"}
	}
	if value == nil {
		return &twinfrontv1.Value{Kind: &twinfrontv1.Value_NullValue{}}, nil
	}
	switch value := value.(type) {
	case *twinfrontv1.Value:
		if value == nil {
			return toValue(nil, path, levels)
		}
		return value, nil
	case json.Number:
		return numberValue(value, path)
	case []byte:
		return nil, &ValueError{path, "is a []byte, which is no JSON value"}
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Bool:
		return &twinfrontv1.Value{Kind: &twinfrontv1.Value_BoolValue{BoolValue: v.Bool()}}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intValue(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, &ValueError{path, fmt.Sprintf("is %d, beyond the 64 bits of a DTDL long", v.Uint())}
		}
		return intValue(int64(v.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return doubleValue(v.Float(), path)
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return nil, &ValueError{path, "is not UTF-8"}
		}
		return &twinfrontv1.Value{Kind: &twinfrontv1.Value_StringValue{StringValue: v.String()}}, nil
	case reflect.Slice, reflect.Array:
		list := make([]*twinfrontv1.Value, v.Len())
		for i := range list {
			item, err := toValue(v.Index(i).Interface(), fmt.Sprintf("%s/%d", path, i), levels+listLevels)
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return &twinfrontv1.Value{Kind: &twinfrontv1.Value_ListValue{ListValue: &twinfrontv1.ListValue{Values: list}}}, nil
	case reflect.Map:
		if v.Type().Key().Kind() == reflect.String {
			fields, err := toFields(v, path, levels+objectLevels)
			if err != nil {
				return nil, err
			}
			object := &twinfrontv1.ObjectValue{Fields: fields}
			return &twinfrontv1.Value{Kind: &twinfrontv1.Value_ObjectValue{ObjectValue: object}}, nil
		}
	}
	return nil, &ValueError{path, fmt.Sprintf("is a %T, which is no JSON value", value)}
}

func toFields(v reflect.Value, path string, levels int) (map[string]*twinfrontv1.Value, error) {
	fields := make(map[string]*twinfrontv1.Value, v.Len())
	for entries := v.MapRange(); entries.Next(); {
		name := entries.Key().String()
		if !utf8.ValidString(name) {
			return nil, &ValueError{path, "has a name that is not UTF-8"}
		}
		field, err := toValue(entries.Value().Interface(), path+Pointer(name), levels)
		if err != nil {
			return nil, err
		}
		fields[name] = field
	}
	return fields, nil
}

func intValue(value int64) *twinfrontv1.Value {
	return &twinfrontv1.Value{Kind: &twinfrontv1.Value_IntValue{IntValue: value}}
}

func doubleValue(value float64, path string) (*twinfrontv1.Value, error) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return nil, &ValueError{path, fmt.Sprintf("is %v, which JSON has no form for", value)}
	}
	return &twinfrontv1.Value{Kind: &twinfrontv1.Value_DoubleValue{DoubleValue: value}}, nil
}

// numberValue makes the number that a decoder with UseNumber leaves as text an integer if it is written as one.
func numberValue(number json.Number, path string) (*twinfrontv1.Value, error) {
	if !strings.ContainsAny(number.String(), ".eE") {
		value, err := number.Int64()
		if err != nil {
			return nil, &ValueError{path, fmt.Sprintf("is %q, which is no integer of 64 bits", number)}
		}
		return intValue(value), nil
	}
	value, err := number.Float64()
	if err != nil {
		return nil, &ValueError{path, fmt.Sprintf("is %q, which is no double", number)}
	}
	return doubleValue(value, path)
}
