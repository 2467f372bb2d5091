package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var importColumns = []string{"id", "state", "dry_run", "rows", "waiting", "counts.failed", "created_by", "created_at"}

func newListImports(o *clientOptions) *cobra.Command {
	var p paging
	cmd := &cobra.Command{
		Use:     "imports",
		Aliases: []string{"import"},
		Short:   "List imports, newest first",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(); err != nil {
				return err
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return list(s, p, importColumns, func(size int, token string) (httpapi.Page[bridge.ImportView], error) {
				return s.client.Imports(cmd.Context(), httpapi.ImportsQuery{PageSize: size, PageToken: token})
			})
		},
	}
	p.register(cmd)
	return cmd
}

func newGetImport(o *clientOptions) *cobra.Command {
	cmd := byID(o, "import", "Show imports",
		"Shows the state of imports: the numbers of rows by result, what they wait for, and when\n"+
			"the next wave begins. With --follow, it waits until the import ends or is paused, and\n"+
			"exits with 1 if rows have failed or have no result. Ctrl-C ends the command, not the\n"+
			"import.",
		importColumns, by((*httpapi.Client).GetImport))
	var follow bool
	cmd.Flags().BoolVar(&follow, "follow", false, "wait until the import ends, and show its progress; one ID only")
	get := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !follow {
			return get(cmd, args)
		}
		ids, err := parseIDs(cmd, args)
		if err != nil {
			return err
		}
		if len(ids) > 1 {
			return usageError{fmt.Errorf("--follow takes one id")}
		}
		s, err := o.open()
		if err != nil {
			return err
		}
		v, err := s.client.GetImport(cmd.Context(), ids[0])
		if err != nil {
			return s.explain(err)
		}
		return s.follow(cmd.Context(), v, s.newProgress(), nil)
	}
	return cmd
}

func newPauseImport(o *clientOptions) *cobra.Command {
	return byID(o, "import", "Pause imports",
		"Pauses imports: rows that are begun finish, and no further row is begun. Pausing one\n"+
			"again changes nothing.",
		importColumns, by((*httpapi.Client).PauseImport))
}

func newResumeImport(o *clientOptions) *cobra.Command {
	return byID(o, "import", "Continue paused imports",
		"Continues paused imports. If the time of a wave has passed meanwhile, it begins now,\n"+
			"and later ones follow from now on. Resuming a running import changes nothing.",
		importColumns, by((*httpapi.Client).ResumeImport))
}

func newCancelImport(o *clientOptions) *cobra.Command {
	cmd := byID(o, "import", "End imports before all their rows are begun",
		"Ends imports: rows that are begun finish, the others are never invited. Invitations\n"+
			"that exist are not revoked. Canceling one again changes nothing.\n\n"+
			"While rows that are begun finish, the state is canceling. To revoke what an import has\n"+
			"invited, wait for its end first: get import --follow does, and exits with 1 because\n"+
			"rows have no result.",
		importColumns, by((*httpapi.Client).CancelImport))
	cmd.Example = "  invitebridge cancel import ID\n" +
		"  invitebridge get import ID --follow || true # waits until it is canceled, and exits with 1\n" +
		"  invitebridge list invitations --import-id ID --state pending --all -q |\n" +
		"    xargs -r invitebridge revoke invitations"
	return cmd
}
