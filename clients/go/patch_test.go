package twinfront_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

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
	_, err := twinfront.NewPatch().Remove("/a").Add("b", 1).Add("/c", math.NaN()).Operations()
	if err == nil || err.Error() != "twinfront: patch[1]: a path starts with '/': '/b'" {
		t.Errorf("got %v", err)
	}
	_, err = twinfront.NewPatch().Add("/a", map[string]any{"b": math.NaN()}).Operations()
	var wrong *twinfront.ValueError
	if !errors.As(err, &wrong) || wrong.Path != "/b" {
		t.Errorf("got %v", err)
	}
}

func TestSourceTimesAreInUTCTo100Nanoseconds(t *testing.T) {
	when := time.Date(2026, 6, 1, 9, 30, 0, 123456789, time.FixedZone("CEST", 2*60*60))
	operations, err := twinfront.NewPatch().SourceTime("a/b", when).SourceTimeOf("thermostat", "t", when).Operations()
	if err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{"/$metadata/a~1b/sourceTime", "/thermostat/$metadata/t/sourceTime"} {
		if got := operations[i].GetPath(); got != path {
			t.Errorf("got %s", got)
		}
		if got := operations[i].GetValue().GetStringValue(); got != "2026-06-01T07:30:00.1234567Z" {
			t.Errorf("got %s", got)
		}
	}
}
