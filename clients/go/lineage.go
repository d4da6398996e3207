package twinfront

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

// lineage keeps the models that each model extends, directly or not, with itself among them. Models never change, but one can be
// deleted, and another one be made in its place.
type lineage struct {
	mutex     sync.RWMutex
	ancestors map[string]map[string]bool
	// known has the models that are still what they were.
	known  map[string]bool
	hidden error
}

func newLineage() *lineage {
	return &lineage{ancestors: map[string]map[string]bool{}, known: map[string]bool{}}
}

// mayBeOthers notes that all models may be others by now; what was known is kept until it is learnt anew.
func (l *lineage) mayBeOthers() { clear(l.known) }

func (l *lineage) descends(modelID, ancestor string) bool {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	return modelID == ancestor || l.ancestors[modelID][ancestor]
}

// denied gives the error of a caller who may not read models.
func (l *lineage) denied() error {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	return l.hidden
}

// learn reads the models of twins of which nothing is known.
func (l *lineage) learn(ctx context.Context, client *Client, items []WatchItem, held []string) error {
	if l.denied() != nil {
		return nil
	}
	var unknown []string
	seen := map[string]bool{"": true}
	note := func(modelID string) {
		if !seen[modelID] && !l.known[modelID] {
			unknown = append(unknown, modelID)
		}
		seen[modelID] = true
	}
	for _, modelID := range held {
		note(modelID)
	}
	for _, item := range items {
		note(item.InitialDigitalTwin.GetModelId())
		note(item.Change.GetDigitalTwin().GetModelId())
	}
	if len(unknown) == 0 {
		return nil
	}
	err := l.read(ctx, client, unknown)
	if errors.Is(err, NotFound) { // one of them is gone: each is asked for by itself
		for _, modelID := range unknown {
			if err = l.read(ctx, client, []string{modelID}); errors.Is(err, NotFound) {
				l.note(map[string][]string{modelID: nil})
				err = nil
			}
			if err != nil {
				break
			}
		}
	}
	if errors.Is(err, PermissionDenied) {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.hidden, err = err, nil
	}
	return err
}

func (l *lineage) read(ctx context.Context, client *Client, wanted []string) error {
	bases := map[string][]string{}
	for _, modelID := range wanted {
		bases[modelID] = nil
	}
	request := &twinfrontv1.ListModelsRequest{DependenciesFor: wanted, IncludeModelDefinition: true}
	models := Items(ctx, client.Models.ListModels, request, (*twinfrontv1.ListModelsResponse).GetModels)
	for model, err := range models {
		if err != nil {
			return err
		}
		bases[model.GetId()] = basesOf(model.GetDtdlModel())
	}
	l.note(bases)
	return nil
}

func (l *lineage) note(bases map[string][]string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for modelID := range bases {
		found, open := map[string]bool{modelID: true}, []string{modelID}
		for len(open) > 0 {
			one := open[len(open)-1]
			open = open[:len(open)-1]
			for _, base := range bases[one] {
				if !found[base] {
					found[base] = true
					open = append(open, base)
				}
			}
		}
		l.ancestors[modelID], l.known[modelID] = found, true
	}
}

// basesOf reads the ids of the models that an interface extends: one, several, or interfaces in place.
func basesOf(dtdl string) []string {
	var declared struct {
		Extends any `json:"extends"`
	}
	if json.Unmarshal([]byte(dtdl), &declared) != nil {
		return nil
	}
	list, isList := declared.Extends.([]any)
	if !isList {
		list = []any{declared.Extends}
	}
	var bases []string
	for _, base := range list {
		switch base := base.(type) {
		case string:
			bases = append(bases, base)
		case map[string]any:
			if id, ok := base["@id"].(string); ok {
				bases = append(bases, id)
			}
		}
	}
	return bases
}
