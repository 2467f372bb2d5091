package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge/httpapi"
)

// newClientCommands makes the verbs that call the admin API. Their first words
// are verbs and their second ones nouns, as those of Kratos.
func newClientCommands(environ []string, io stdio) []*cobra.Command {
	o := &clientOptions{environ: environ, io: io}
	return []*cobra.Command{
		o.verb("create", "Invite people", newCreateInvitation(o)),
		o.verb("list", "List invitations, messages or endpoints", newListInvitations(o), newListMessages(o), newListEndpoints(o)),
		o.verb("get", "Show invitations or messages", newGetInvitation(o), newGetMessage(o)),
		o.verb("resend", "Send invitations again", newResendInvitation(o)),
		o.verb("revoke", "Revoke invitations", newRevokeInvitation(o)),
		o.verb("retry", "Send failed messages again", newRetryMessage(o)),
		o.verb("enable", "Send again to endpoints whose receiver answered 410", newEnableEndpoint(o)),
		newBackup(&clientOptions{environ: environ, io: io, format: formatTable}),
	}
}

const manners = "\n\n" +
	"The API key comes from the environment variable " + envAPIKey + " only:\n" +
	"everybody can see flags in the list of processes. Exits with 1 if anything\n" +
	"failed, also if only a part, and with 2 if the command or its settings are wrong."

// verb makes a command that only has others below it.
func (o *clientOptions) verb(use, short string, nouns ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  short + " over the admin API of a running bridge." + manners,
		Args:  noArguments,
		RunE:  needsCommand,
	}
	o.register(cmd)
	for _, noun := range nouns {
		noun.Long = cmp.Or(noun.Long, noun.Short+".") + manners
		cmd.AddCommand(noun)
	}
	return cmd
}

// parseIDs refuses arguments that are no ids before anything is done.
func parseIDs(cmd *cobra.Command, args []string) ([]uuid.UUID, error) {
	if len(args) == 0 {
		return nil, usageError{fmt.Errorf("which one? give at least one id (try %q)", cmd.CommandPath()+" --help")}
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

// paging is what lists of many share.
type paging struct {
	size  int
	token string
	all   bool
}

const (
	defaultPageSize = 100
	maxPageSize     = 500
)

func (p *paging) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.size, "page-size", defaultPageSize, fmt.Sprintf("how many a page, from 1 to %d", maxPageSize))
	cmd.Flags().BoolVar(&p.all, "all", false, "all pages, not only one")
	cmd.Flags().StringVar(&p.token, "page-token", "", "`TOKEN` of the page, as the page before told it")
}

func (p *paging) check() error {
	if p.size < 1 || p.size > maxPageSize {
		return usageError{fmt.Errorf("--page-size must be from 1 to %d", maxPageSize)}
	}
	return nil
}

// list prints a page, or it and all pages that follow.
func list[T any](s *session, p paging, columns []string, get func(size int, token string) (httpapi.Page[T], error)) error {
	page, err := get(p.size, p.token)
	for seen := map[string]bool{p.token: true}; err == nil && p.all && page.NextPageToken != ""; {
		before := page.Items
		seen[page.NextPageToken] = true
		page, err = get(p.size, page.NextPageToken)
		// A cache, or a proxy that loses the query, would have this go on for ever.
		if next := page.NextPageToken; next != "" && (seen[next] || len(page.Items) == 0) {
			return errors.New("the pages have no end: something between here and the bridge does not pass on page_token")
		}
		page.Items = append(before, page.Items...)
	}
	if err != nil {
		return s.explain(err)
	}
	if s.quiet && page.NextPageToken != "" {
		fmt.Fprintf(s.io.err, "There are more: --all, or --page-token %s\n", printable(page.NextPageToken))
	}
	return printPage(s.presenter, page, columns)
}
