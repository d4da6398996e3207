// Command load reads and writes on one client until its input ends, and prints how that goes: see
// clients/scenarios/README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/twinfront/twinfront/clients/go/internal/connecting"
)

// Each twin has a writer of its own, and a reader.
const twins = 4

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	options := connecting.Flags()
	prefix := flag.String("prefix", "load", "beginning of the ids of the twins that are written")
	flag.Parse()
	client, err := options.Dial(func(context.Context) (string, error) {
		text, err := os.ReadFile(options.Token)
		return strings.TrimSpace(string(text)), err
	})
	if err != nil {
		return err
	}
	defer client.Close()

	load := newLoad(client)
	for number := range twins {
		load.start(ctx, fmt.Sprintf("%s-%d", *prefix, number))
	}
	load.startImport(ctx, *prefix+"-import")
	output := json.NewEncoder(os.Stdout)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for ticks := time.Tick(100 * time.Millisecond); ; {
		select {
		case <-ticks:
			if err := output.Encode(map[string]int{"calls": load.count()}); err != nil {
				return err
			}
		case <-ended:
			return output.Encode(load.end())
		}
	}
}
