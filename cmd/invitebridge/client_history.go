package main

import (
	"errors"

	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

var historyColumns = []string{"at", "action", "by.kind", "by.id", "request_id"}

func newListHistory(o *clientOptions) *cobra.Command {
	var p paging
	cmd := &cobra.Command{
		Use:   "history INVITATION_ID",
		Short: "List what happened to an invitation, newest first",
		Long: "Lists what happened to an invitation, when, by whom and in which request. With -q, it\n" +
			"prints the ids of the entries.",
		Example: "  invitebridge list history INVITATION_ID --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(cmd, args)
			if err != nil {
				return err
			}
			if len(ids) > 1 {
				return usageError{errors.New("give one id of an invitation")}
			}
			if err := p.check(); err != nil {
				return err
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return list(s, p, historyColumns, func(size int, token string) (httpapi.Page[bridge.HistoryEntry], error) {
				return s.client.History(cmd.Context(), ids[0], httpapi.HistoryQuery{PageSize: size, PageToken: token})
			})
		},
	}
	p.register(cmd)
	return cmd
}
