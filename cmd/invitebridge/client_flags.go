package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// parseIDs parses all arguments before the first call, so that a bad one has no
// partial effect.
func parseIDs(cmd *cobra.Command, args []string) ([]uuid.UUID, error) {
	if len(args) == 0 {
		return nil, usageError{fmt.Errorf("give at least one id (try %q)", cmd.CommandPath()+" --help")}
	}
	ids := make([]uuid.UUID, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = uuid.Parse(arg); err != nil {
			return nil, usageError{fmt.Errorf("%q is not an id", arg)}
		}
	}
	return ids, nil
}

// paging holds the flags of lists that have pages.
type paging struct {
	size  int
	token string
	all   bool
}

func (p *paging) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.size, "page-size", defaultPageSize, fmt.Sprintf("items per page, from 1 to %d", maxPageSize))
	cmd.Flags().BoolVar(&p.all, "all", false, "list all pages instead of one")
	cmd.Flags().StringVar(&p.token, "page-token", "", "`TOKEN` of the page, from the page before it")
}

func (p *paging) check() error {
	if p.size < 1 || p.size > maxPageSize {
		return usageError{fmt.Errorf("--page-size must be from 1 to %d", maxPageSize)}
	}
	return nil
}

// oneOf parses a flag with a fixed set of values; empty is allowed.
func oneOf[S ~string](flag, text string, values []S) (S, error) {
	if text != "" && !slices.Contains(values, S(text)) {
		return "", usageError{fmt.Errorf("--%s must be one of %s", flag, strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", ", "))}
	}
	return S(text), nil
}
