// Command runner executes the scenarios that all clients of twinfront have in common, and prints a line of JSON for
// each step: see clients/scenarios/README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/twinfront/twinfront/clients/go/internal/connecting"
)

type scenarioFile struct {
	Scenarios []struct {
		Name  string            `json:"name"`
		Steps []json.RawMessage `json:"steps"`
	} `json:"scenarios"`
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	options := connecting.Flags()
	flag.Parse()
	client, err := options.Dial(func(context.Context) (string, error) { return options.Token, nil })
	if err != nil {
		return err
	}
	defer client.Close()
	text, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		return err
	}
	var file scenarioFile
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	output := json.NewEncoder(os.Stdout)
	for _, scenario := range file.Scenarios {
		scene := &scene{client: client, saved: map[string]string{}}
		for number, step := range scenario.Steps {
			line := scene.line(ctx, step)
			line["scenario"], line["step"] = scenario.Name, number
			if err := output.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}
