package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/httpapi"
)

// newClientCommands returns the commands that call the admin API: a verb, then
// a noun, as in Kratos.
func newClientCommands(environ []string, io stdio) []*cobra.Command {
	o := &clientOptions{environ: environ, io: io}
	return []*cobra.Command{
		o.verb("create", "Invite people", newCreateInvitation(o)),
		o.verb("import", "Invite everyone in a file", newImportInvitations(o)),
		o.verb("list", "List invitations and their history, imports and their rows, messages or endpoints",
			newListInvitations(o), newListImports(o), newListRows(o), newListHistory(o), newListMessages(o), newListEndpoints(o)),
		o.verb("get", "Show invitations, imports or messages", newGetInvitation(o), newGetImport(o), newGetMessage(o)),
		o.verb("resend", "Send invitations again", newResendInvitation(o)),
		o.verb("revoke", "Revoke invitations", newRevokeInvitation(o)),
		o.verb("delete", "Forget people: delete their invitations and all that belongs to them", newDeleteInvitation(o)),
		o.verb("pause", "Pause imports", newPauseImport(o)),
		o.verb("resume", "Continue paused imports", newResumeImport(o)),
		o.verb("cancel", "End imports early", newCancelImport(o)),
		o.verb("retry", "Send failed messages again", newRetryMessage(o)),
		o.verb("enable", "Enable disabled endpoints", newEnableEndpoint(o)),
		newBackup(&clientOptions{environ: environ, io: io, format: formatTable}),
	}
}

const sharedHelp = "\n\n" +
	"The API key is read from the environment variable " + envAPIKey + " only,\n" +
	"because other users of the machine can see flags in the list of processes. Exits\n" +
	"with 1 if anything failed, even in part, and with 2 if the command or its settings\n" +
	"are wrong."

// verb returns a command that only groups subcommands.
func (o *clientOptions) verb(use, short string, nouns ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Long:  short + " over the admin API of a running bridge." + sharedHelp,
		Args:  noArguments,
		RunE:  needsCommand,
	}
	o.register(cmd)
	for _, noun := range nouns {
		noun.Long = cmp.Or(noun.Long, noun.Short+".") + sharedHelp
		cmd.AddCommand(noun)
	}
	return cmd
}

const (
	defaultPageSize = 100
	maxPageSize     = 500
)

// list prints one page or, with --all, that page and all that follow.
func list[T any](s *session, p paging, columns []string, get func(size int, token string) (httpapi.Page[T], error)) error {
	page, err := get(p.size, p.token)
	for seen := map[string]bool{p.token: true}; err == nil && p.all && page.NextPageToken != ""; {
		before := page.Items
		seen[page.NextPageToken] = true
		page, err = get(p.size, page.NextPageToken)
		// A cache, or a proxy that drops the query, would make this loop endless.
		if next := page.NextPageToken; next != "" && (seen[next] || len(page.Items) == 0) {
			return errors.New("the list does not end: a proxy or cache in front of the bridge may drop page_token")
		}
		page.Items = append(before, page.Items...)
	}
	if err != nil {
		return s.explain(err)
	}
	if s.quiet && page.NextPageToken != "" {
		fmt.Fprintf(s.io.err, "More results: use --all, or --page-token %s\n", printable(page.NextPageToken))
	}
	return printPage(s.presenter, page, columns)
}
