package twinfront

import (
	"fmt"
	"strings"
	"time"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// Patch is a JSON Patch document (RFC 6902) in the making:
//
//	operations, err := twinfront.NewPatch().Replace("/temperature", 22.5).Remove("/comment").Operations()
//
// Paths are JSON Pointers; [Pointer] makes one from plain names. The service applies all operations or none.
type Patch struct {
	operations []*twinfrontv1.JsonPatchOperation
	err        error
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer makes a JSON Pointer from names as they are: Pointer("a/b", "c") is "/a~1b/c".
func Pointer(names ...string) string {
	var pointer strings.Builder
	for _, name := range names {
		pointer.WriteString("/" + escaper.Replace(name))
	}
	return pointer.String()
}

// NewPatch gives an empty patch to add to.
func NewPatch() *Patch { return &Patch{} }

// Add sets a value, whether or not there was one; each object on the way to it has to exist.
func (p *Patch) Add(path string, value any) *Patch {
	return p.set(twinfrontv1.JsonPatchOperation_OP_ADD, path, value)
}

// Replace replaces a value that exists.
func (p *Patch) Replace(path string, value any) *Patch {
	return p.set(twinfrontv1.JsonPatchOperation_OP_REPLACE, path, value)
}

// Remove removes a value that exists.
func (p *Patch) Remove(path string) *Patch {
	return p.append(&twinfrontv1.JsonPatchOperation{Op: twinfrontv1.JsonPatchOperation_OP_REMOVE, Path: path})
}

// Migrate makes the twin one of another model, of which it has to be valid after the whole patch.
func (p *Patch) Migrate(modelID string) *Patch { return p.Replace("/$metadata/$model", modelID) }

// SourceTime records when the property's value was observed in the real world, to 100 ns.
func (p *Patch) SourceTime(property string, when time.Time) *Patch {
	return p.Replace(Pointer("$metadata", property, "sourceTime"), timeText(when))
}

// SourceTimeOf is [Patch.SourceTime] for a property of a component, when a twin is patched.
func (p *Patch) SourceTimeOf(component, property string, when time.Time) *Patch {
	return p.Replace(Pointer(component, "$metadata", property, "sourceTime"), timeText(when))
}

// Operations gives the document for the field `patch` of a request, or what was wrong with the first wrong step.
func (p *Patch) Operations() ([]*twinfrontv1.JsonPatchOperation, error) {
	if p.err != nil {
		return nil, p.err
	}
	return p.operations, nil
}

func (p *Patch) set(op twinfrontv1.JsonPatchOperation_Op, path string, value any) *Patch {
	converted, err := ToValue(value)
	if err != nil {
		p.fail(err)
		return p
	}
	return p.append(&twinfrontv1.JsonPatchOperation{Op: op, Path: path, Value: converted})
}

func (p *Patch) append(operation *twinfrontv1.JsonPatchOperation) *Patch {
	if !strings.HasPrefix(operation.GetPath(), "/") {
		p.fail(fmt.Errorf("a path starts with '/': '/%s'", operation.GetPath()))
	}
	p.operations = append(p.operations, operation)
	return p
}

func (p *Patch) fail(err error) {
	if p.err == nil {
		p.err = fmt.Errorf("twinfront: patch[%d]: %w", len(p.operations), err)
	}
}

func timeText(when time.Time) string { return when.UTC().Format("2006-01-02T15:04:05.0000000Z") }
