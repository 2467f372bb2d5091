package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"invitebridge/bridge/httpapi"
)

// Environment variables of the client commands.
const (
	envAdminURL = "INVITEBRIDGE_ADMIN_URL"
	envAPIKey   = "INVITEBRIDGE_API_KEY"
	envBasePath = "INVITEBRIDGE_SERVE_BASE_PATH"
)

const defaultEndpoint = "http://127.0.0.1:4489"

// clientOptions holds the flags that all client commands share.
type clientOptions struct {
	environ            []string
	io                 stdio
	endpoint, basePath string
	format             string
	quiet              bool
}

func (o *clientOptions) register(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	registerEndpoint(cmd, &o.endpoint)
	o.registerBasePath(cmd)
	flags.StringVar(&o.format, "format", formatTable, "`FORMAT` of the results: "+strings.Join(formats, ", "))
	complete(cmd, "format", formats)
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print ids only, one per line; overrides --format")
}

func (o *clientOptions) registerBasePath(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&o.basePath, "base-path", "", "`PATH` of the API; default "+envBasePath+", else "+httpapi.DefaultBasePath)
}

func registerEndpoint(cmd *cobra.Command, endpoint *string) {
	cmd.PersistentFlags().StringVarP(endpoint, "endpoint", "e", "", "`URL` of the admin listener, or unix:/path; default "+envAdminURL+", else "+defaultEndpoint)
}

// session holds the client and the output of one run of a client command.
type session struct {
	*presenter
	client       *httpapi.Client
	io           stdio
	endpoint     string
	dumbTerminal bool // cannot return to the beginning of a line
}

// open checks the options and returns a session. It connects to nothing.
//
// Errors: always a usageError.
func (o *clientOptions) open() (*session, error) {
	if !slices.Contains(formats, o.format) {
		return nil, usageError{fmt.Errorf("--format must be one of %s", strings.Join(formats, ", "))}
	}
	key := lookup(o.environ, envAPIKey)
	if key == "" {
		return nil, usageError{fmt.Errorf("no API key: set %s to one of the bridge's serve.admin.api_keys", envAPIKey)}
	}
	endpoint := cmp.Or(o.endpoint, lookup(o.environ, envAdminURL), defaultEndpoint)
	basePath := cmp.Or(o.basePath, lookup(o.environ, envBasePath), httpapi.DefaultBasePath)
	client, err := httpapi.NewClient(endpoint, key, httpapi.WithBasePath(basePath))
	if err != nil {
		return nil, usageError{fmt.Errorf("%w (-e, %s; --base-path, %s; %s)", err, envAdminURL, envBasePath, envAPIKey)}
	}
	return &session{
		presenter: &presenter{out: o.io.out, format: o.format, quiet: o.quiet},
		client:    client, io: o.io, endpoint: endpoint, dumbTerminal: lookup(o.environ, "TERM") == "dumb",
	}, nil
}

// note prints a message for people beside the results. It prints nothing with a
// machine-readable format or -q.
func (s *session) note(format string, args ...any) {
	if s.format == formatTable && !s.quiet {
		fmt.Fprintf(s.io.err, format+"\n", args...)
	}
}

// lookup returns the value of a variable; if it is set twice, the last one wins.
func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
