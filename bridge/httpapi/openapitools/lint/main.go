// Command lint checks an OpenAPI document against a strict set of rules. Every
// finding fails it: hints count as errors.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/speakeasy-api/openapi/linter"
	"github.com/speakeasy-api/openapi/openapi"
	rules "github.com/speakeasy-api/openapi/openapi/linter"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: lint RULES DOCUMENT")
		os.Exit(2)
	}
	if err := lint(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func lint(ctx context.Context, ruleset, path string) error {
	config, err := linter.LoadConfigFromFile(ruleset)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	document, invalid, err := openapi.Unmarshal(ctx, file)
	if err != nil {
		return err
	}
	l, err := rules.NewLinter(config)
	if err != nil {
		return err
	}
	output, err := l.Lint(ctx, linter.NewDocumentInfo(document, path), invalid, nil)
	if err != nil {
		return err
	}
	if len(output.Results) > 0 {
		return errors.New(output.FormatText())
	}
	return nil
}
