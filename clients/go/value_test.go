package twinfront_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/twinfront/twinfront/clients/go"
)

func TestValuesComeBackAsTheyWere(t *testing.T) {
	for _, value := range []any{
		nil, true, false, int64(0), int64(math.MaxInt64), int64(math.MinInt64), 21.0, -0.5, math.MaxFloat64, "", "ä🏢",
		[]any{int64(1), 1.0, "x", nil, []any{}}, map[string]any{"a/b": map[string]any{}, "": int64(1)},
	} {
		sent, err := twinfront.ToValue(value)
		if err != nil {
			t.Fatalf("%v: %v", value, err)
		}
		if got := twinfront.FromValue(sent); !reflect.DeepEqual(got, value) {
			t.Errorf("%#v came back as %#v", value, got)
		}
	}
}

func TestIntegersAndDoublesStayApart(t *testing.T) {
	for value, want := range map[any]any{
		1: int64(1), uint8(2): int64(2), 1.0: 1.0, float32(0.5): 0.5, uint64(math.MaxInt64): int64(math.MaxInt64),
		json.Number("9007199254740993"): int64(9007199254740993), json.Number("1.0"): 1.0, json.Number("1e3"): 1000.0,
	} {
		sent, err := twinfront.ToValue(value)
		if got := twinfront.FromValue(sent); err != nil || got != want {
			t.Errorf("%T %v became %T %v (%v)", value, value, got, got, err)
		}
	}
}

func TestTypedSlicesAndMaps(t *testing.T) {
	type celsius float64
	sent, err := twinfront.ToValue(map[string][]celsius{"week": {20, 21.5}})
	want := map[string]any{"week": []any{20.0, 21.5}}
	if got := twinfront.FromValue(sent); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v (%v)", got, err)
	}
}

func TestNestingIsBounded(t *testing.T) {
	nested := func(depth int) any {
		var value any = 1
		for range depth {
			value = []any{value}
		}
		return value
	}
	if _, err := twinfront.ToValue(nested(100)); err != nil {
		t.Errorf("100 deep: %v", err)
	}
	var wrong *twinfront.ValueError
	if _, err := twinfront.ToValue(nested(101)); !errors.As(err, &wrong) {
		t.Errorf("101 deep: %v", err)
	}
}

func TestValuesThatAreReadyAndNothingStayAsTheyAre(t *testing.T) {
	ready, err := twinfront.ToValue(1.5)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := twinfront.ToValue(ready); again != ready || err != nil {
		t.Errorf("got %v, %v", again, err)
	}
	properties, err := twinfront.ToValues(map[string]any{"list": []string(nil), "map": map[string]int(nil), "ready": ready})
	want := map[string]any{"list": []any{}, "map": map[string]any{}, "ready": 1.5}
	if got := twinfront.FromValues(properties); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWhatHasNoJSONFormIsRefusedByItsPath(t *testing.T) {
	for _, test := range []struct {
		value any
		path  string
	}{
		{math.NaN(), ""},
		{map[string]any{"a/b": []any{1, math.Inf(1)}}, "/a~1b/1"},
		{map[string]any{"n": uint64(math.MaxInt64 + 1)}, "/n"},
		{[]any{"\xff"}, "/0"},
		{map[string]any{"when": struct{}{}}, "/when"},
		{map[int]any{1: 1}, ""},
		{func() {}, ""},
		{[]any{[]byte("x")}, "/0"},
		{json.Number("9223372036854775808"), ""},
		{json.Number("1e999"), ""},
		{map[string]any{"a\xff": 1}, ""},
	} {
		_, err := twinfront.ToValue(test.value)
		var wrong *twinfront.ValueError
		if !errors.As(err, &wrong) || wrong.Path != test.path {
			t.Errorf("%v: %v", test.value, err)
		}
	}
}
