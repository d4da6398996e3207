package main

import (
	"context"
	"fmt"
	"sync"

	"github.com/twinfront/twinfront/clients/go"
	twinfrontv1 "github.com/twinfront/twinfront/clients/go/twinfront/v1"
)

const (
	modelID       = "dtmi:rolling:Counter;1"
	importedTwins = 100
)

// load is callers on one client, who read and write all the time.
type load struct {
	client  *twinfront.Client
	callers sync.WaitGroup
	done    chan struct{}

	mutex sync.Mutex
	told  told
}

// told is what is printed of a load.
type told struct {
	// Calls is how many succeeded.
	Calls int `json:"calls"`
	// Failures has how many calls failed, by the text of the error.
	Failures map[string]int `json:"failures"`
	// Acknowledged has the last total of each twin that its only writer was told is written.
	Acknowledged map[string]int64 `json:"acknowledged"`
}

func newLoad(client *twinfront.Client) *load {
	return &load{
		client: client,
		done:   make(chan struct{}),
		told:   told{Failures: map[string]int{}, Acknowledged: map[string]int64{}},
	}
}

// start has a twin written and read until the end.
func (l *load) start(ctx context.Context, name string) {
	l.callers.Go(func() { l.write(ctx, name) })
	l.callers.Go(func() { l.read(ctx, name) })
}

// startImport has twins imported until the end.
func (l *load) startImport(ctx context.Context, name string) {
	l.callers.Go(func() { l.importAll(ctx, name) })
}

// end lets the calls in flight end.
func (l *load) end() told {
	close(l.done)
	l.callers.Wait()
	return l.told
}

func (l *load) count() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.told.Calls
}

// ended counts a call, and tells whether it succeeded.
func (l *load) ended(err error) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err != nil {
		l.told.Failures[err.Error()]++
		return false
	}
	l.told.Calls++
	return true
}

func (l *load) acknowledge(name string, total int64) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.told.Acknowledged[name] = total
}

// write counts up, one by one and under the etag of the write before, so that one done twice would be refused.
func (l *load) write(ctx context.Context, name string) {
	created, err := l.client.DigitalTwins.CreateOrReplaceDigitalTwin(
		ctx, &twinfrontv1.CreateOrReplaceDigitalTwinRequest{
			DigitalTwinId: name,
			DigitalTwin:   counter("", 0),
			IfNoneMatch:   "*",
		})
	if !l.ended(err) {
		return
	}
	l.acknowledge(name, 0)
	etag := created.GetEtag()
	for total := int64(1); !l.isEnded(); total++ {
		patch, err := twinfront.NewPatch().Replace("/total", total).Operations()
		if err != nil {
			panic(err)
		}
		written, err := l.client.DigitalTwins.UpdateDigitalTwin(
			ctx, &twinfrontv1.UpdateDigitalTwinRequest{DigitalTwinId: name, Patch: patch, IfMatch: etag})
		if !l.ended(err) {
			return
		}
		l.acknowledge(name, total)
		etag = written.GetEtag()
	}
}

// importAll imports the same twins again and again, each time with a higher total.
func (l *load) importAll(ctx context.Context, name string) {
	for total := int64(0); !l.isEnded(); total++ {
		if !l.ended(l.importOnce(ctx, name, total)) {
			return
		}
		l.acknowledge(imported(name, importedTwins-1), total)
	}
}

func (l *load) importOnce(ctx context.Context, name string, total int64) error {
	items := func(yield func(*twinfrontv1.GraphItem) bool) {
		for number := range importedTwins {
			twin := &twinfrontv1.GraphItem_DigitalTwin{DigitalTwin: counter(imported(name, number), total)}
			if !yield(&twinfrontv1.GraphItem{Item: twin}) {
				return
			}
		}
	}
	for report, err := range twinfront.ImportGraph(ctx, l.client, nil, items) {
		if err != nil {
			return err
		}
		for _, result := range report.GetResults() {
			if err := twinfront.FromStatus(result.GetStatus()); err != nil {
				return err
			}
		}
	}
	return nil
}

func imported(name string, number int) string { return fmt.Sprintf("%s-%d", name, number) }

func counter(id string, total int64) *twinfrontv1.DigitalTwin {
	return &twinfrontv1.DigitalTwin{
		Id:      id,
		ModelId: modelID,
		Properties: map[string]*twinfrontv1.Value{
			"total": {Kind: &twinfrontv1.Value_IntValue{IntValue: total}},
		},
	}
}

// read reads the models, a twin, and each tenth time the rows of a query.
func (l *load) read(ctx context.Context, name string) {
	for number := 0; !l.isEnded(); number++ {
		l.ended(l.readOnce(ctx, name, number))
	}
}

func (l *load) readOnce(ctx context.Context, name string, number int) (err error) {
	switch {
	case number%10 == 0:
		request := &twinfrontv1.StreamQueryTwinsRequest{Query: "SELECT * FROM digitaltwins"}
		for _, err := range twinfront.StreamQuery(ctx, l.client, request) {
			if err != nil {
				return err
			}
		}
	case number%2 == 1 && l.isAcknowledged(name):
		_, err = l.client.DigitalTwins.GetDigitalTwin(ctx, &twinfrontv1.GetDigitalTwinRequest{DigitalTwinId: name})
	default:
		_, err = l.client.Models.ListModels(ctx, &twinfrontv1.ListModelsRequest{})
	}
	return err
}

// isAcknowledged tells whether a twin is there to be read.
func (l *load) isAcknowledged(name string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, is := l.told.Acknowledged[name]
	return is
}

func (l *load) isEnded() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}
