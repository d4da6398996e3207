package twinfront_test

import (
	"errors"
	"math"
	"reflect"
	"testing"

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

func TestWhatHasNoJSONFormIsRefusedByItsPath(t *testing.T) {
	var endless any
	for range 200 {
		endless = []any{endless}
	}
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
	} {
		_, err := twinfront.ToValue(test.value)
		var wrong *twinfront.ValueError
		if !errors.As(err, &wrong) || wrong.Path != test.path {
			t.Errorf("%v: %v", test.value, err)
		}
	}
	if _, err := twinfront.ToValue(endless); err == nil {
		t.Error("a value that is nested without end was taken")
	}
}

func TestPatchOperations(t *testing.T) {
	operations, err := twinfront.NewPatch().
		Add("/a", 1).Replace(twinfront.Pointer("a/b", "~c"), 1.5).Remove("/x").Migrate("dtmi:example:Room;2").Operations()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, operation := range operations {
		got = append(got, operation.GetOp().String()+" "+operation.GetPath())
	}
	want := []string{"OP_ADD /a", "OP_REPLACE /a~1b/~0c", "OP_REMOVE /x", "OP_REPLACE /$metadata/$model"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if operations[0].GetValue().GetKind().(*twinfrontv1.Value_IntValue).IntValue != 1 {
		t.Error("the value is another one")
	}
}

func TestAPatchTellsWhatWasWrongFirst(t *testing.T) {
	if _, err := twinfront.NewPatch().Remove("/a").Add("b", 1).Add("/c", math.NaN()).Operations(); err == nil ||
		err.Error() != "patch[1]: twinfront: a path starts with '/': '/b'" {
		t.Errorf("got %v", err)
	}
}
