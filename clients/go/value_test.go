package twinfront_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
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

func TestNestingEndsWhereProtobufEnds(t *testing.T) {
	lists := func(depth int) any {
		var value any = int64(1)
		for range depth {
			value = []any{value}
		}
		return value
	}
	objects := func(depth int) any {
		var value any = int64(1)
		for range depth {
			value = map[string]any{"a": value}
		}
		return value
	}
	for _, most := range []any{lists(48), objects(32)} {
		properties, err := twinfront.ToValues(map[string]any{"p": most})
		if err != nil {
			t.Fatal(err)
		}
		request := &twinfrontv1.CreateOrReplaceDigitalTwinRequest{DigitalTwin: &twinfrontv1.DigitalTwin{Properties: properties}}
		sent, err := proto.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		var read twinfrontv1.CreateOrReplaceDigitalTwinRequest
		// The server reads 100 messages in one another; Go would read more.
		if err := (proto.UnmarshalOptions{RecursionLimit: 100}).Unmarshal(sent, &read); err != nil {
			t.Error(err)
		}
		if got := twinfront.FromValues(read.GetDigitalTwin().GetProperties())["p"]; !reflect.DeepEqual(got, most) {
			t.Errorf("got %v", got)
		}
	}
	for _, tooMuch := range []any{lists(49), objects(33), lists(1000)} {
		_, err := twinfront.ToValues(map[string]any{"p": tooMuch})
		var wrong *twinfront.ValueError
		if !errors.As(err, &wrong) || wrong.Problem != "is nested too deeply" || !strings.HasPrefix(wrong.Path, "/p/") {
			t.Errorf("got %v", err)
		}
		if _, err := twinfront.ToValue(tooMuch); !errors.As(err, &wrong) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAValueThatIsNotThereIsNull(t *testing.T) {
	value, err := twinfront.ToValue((*twinfrontv1.Value)(nil))
	if _, isNull := value.GetKind().(*twinfrontv1.Value_NullValue); err != nil || !isNull {
		t.Errorf("got %v, %v", value, err)
	}
}

func TestANumberIsReadAsADoubleWhicheverWayItWasWritten(t *testing.T) {
	for _, test := range []struct {
		written any
		number  float64
		ok      bool
	}{
		{20, 20, true}, {20.5, 20.5, true}, {math.MinInt64, math.MinInt64, true},
		{nil, 0, false}, {true, 0, false}, {"20", 0, false}, {[]int{20}, 0, false},
	} {
		value, err := twinfront.ToValue(test.written)
		if number, ok := twinfront.AsDouble(value); err != nil || number != test.number || ok != test.ok {
			t.Errorf("%v is %v, %v", test.written, number, ok)
		}
	}
	if number, ok := twinfront.AsDouble(nil); number != 0 || ok {
		t.Errorf("nothing is %v, %v", number, ok)
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
