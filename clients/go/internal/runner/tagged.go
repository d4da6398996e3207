package main

import (
	"strconv"
	"strings"
)

// untagged makes native values of JSON in which numbers are tagged: {"$int": "1"}, {"$double": "1.5"}.
func untagged(value any) (any, error) {
	switch value := value.(type) {
	case object:
		if text, ok := value["$int"].(string); ok {
			return strconv.ParseInt(text, 10, 64)
		}
		if text, ok := value["$double"].(string); ok {
			return strconv.ParseFloat(text, 64)
		}
		result := make(object, len(value))
		for name, member := range value {
			plain, err := untagged(member)
			if err != nil {
				return nil, err
			}
			result[name] = plain
		}
		return result, nil
	case []any:
		result := make([]any, len(value))
		for i, item := range value {
			plain, err := untagged(item)
			if err != nil {
				return nil, err
			}
			result[i] = plain
		}
		return result, nil
	}
	return value, nil
}

// tagged makes JSON with tagged numbers of native values.
func tagged(value any) any {
	switch value := value.(type) {
	case int64:
		return object{"$int": strconv.FormatInt(value, 10)}
	case float64:
		text := strconv.FormatFloat(value, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return object{"$double": text}
	case object:
		result := make(object, len(value))
		for name, member := range value {
			result[name] = tagged(member)
		}
		return result
	case []any:
		result := make([]any, len(value))
		for i, item := range value {
			result[i] = tagged(item)
		}
		return result
	}
	return value
}
