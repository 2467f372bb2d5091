package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// rowWaiting selects the rows without a result.
const rowWaiting bridge.ImportResult = "waiting"

// columnsOfRows returns the columns of a table of rows with a result; empty: of all rows.
// Only duplicates have the line of another row.
func columnsOfRows(result bridge.ImportResult) []string {
	if result == bridge.ResultDuplicate {
		return []string{"line", "row.email", "result", "duplicate_of"}
	}
	columns := []string{"line", "row.email", "result", "invitation_id", "error_id", "reason"}
	if result == "" {
		columns = slices.Insert(columns, 3, "duplicate_of")
	}
	return columns
}

func newListRows(o *clientOptions) *cobra.Command {
	var result, format string
	results := append(bridge.ImportResults(), rowWaiting)
	formats := append([]string{formatTable}, rowFormats...)
	cmd := &cobra.Command{
		Use:     "rows IMPORT_ID",
		Aliases: []string{"row"},
		Short:   "List the rows of an import, in the order of its file",
		Long: "Lists the rows of an import with their results. With --format csv or ndjson, they can\n" +
			"be corrected and imported again as they are. With -q, it prints the ids of the\n" +
			"invitations that the rows created or found.",
		Example: "  invitebridge list rows IMPORT_ID --result failed --format csv >corrections.csv\n" +
			"  invitebridge list rows IMPORT_ID --result already_pending -q |\n" +
			"    xargs -r invitebridge resend invitations",
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(cmd, args)
			if err != nil {
				return err
			}
			if len(ids) > 1 {
				return usageError{errors.New("give one id of an import")}
			}
			q := httpapi.ImportRowsQuery{MediaType: mediaTypes[format]}
			if q.Result, err = oneOf("result", result, results); err != nil {
				return err
			}
			if q.MediaType == "" && format != formatTable {
				return usageError{fmt.Errorf("--format must be one of %s", strings.Join(formats, ", "))}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return listRows(cmd.Context(), s, ids[0], q)
		},
	}
	cmd.Flags().StringVar(&result, "result", "", fmt.Sprintf("only those with this `RESULT`, one of %v", results))
	complete(cmd, "result", results)
	cmd.Flags().StringVar(&format, "format", formatTable, "`FORMAT` of the rows: "+strings.Join(formats, ", "))
	complete(cmd, "format", formats)
	return cmd
}

// listRows prints rows as a table, unless q has a media type.
func listRows(ctx context.Context, s *session, id uuid.UUID, q httpapi.ImportRowsQuery) error {
	if !s.quiet && q.MediaType != "" {
		if terminalWidth(s.io.out) == 0 {
			return s.explainRows(s.client.ImportRows(ctx, id, q, s.io.out))
		}
		shown := &terminalWriter{out: s.io.out}
		err := s.client.ImportRows(ctx, id, q, shown)
		return errors.Join(s.explainRows(err), shown.flush())
	}
	q.MediaType = httpapi.MediaTypeNDJSON
	t := &rowTable{out: s.io.out, quiet: s.quiet, columns: columnsOfRows(q.Result)}
	if err := s.client.ImportRows(ctx, id, q, t); err != nil {
		return s.explainRows(errors.Join(err, t.flush()))
	}
	return t.flush()
}

func (s *session) explainRows(err error) error {
	if err == nil {
		return nil
	}
	return s.explain(err)
}

// rowTable prints NDJSON that is written to it as a table or, if quiet, the ids of
// invitations. There may be any number of rows, so columns are aligned in parts.
type rowTable struct {
	out     io.Writer
	quiet   bool
	columns []string
	rest    []byte // of an incomplete line
	rows    []record
	header  bool // was printed
}

const alignedRows = 500

func (t *rowTable) Write(p []byte) (int, error) {
	text := append(t.rest, p...)
	for {
		line, rest, complete := bytes.Cut(text, []byte("\n"))
		if !complete {
			t.rest = bytes.Clone(text)
			return len(p), nil
		}
		row, err := parseRecord(line)
		if err != nil {
			return 0, err
		}
		text = rest
		if t.rows = append(t.rows, row); len(t.rows) == alignedRows {
			if err := t.print(); err != nil {
				return 0, err
			}
		}
	}
}

// flush prints the last rows, and the header of an empty table.
func (t *rowTable) flush() error {
	if len(t.rows) == 0 && (t.header || t.quiet) {
		return nil
	}
	return t.print()
}

func (t *rowTable) print() error {
	defer func() { t.rows, t.header = nil, true }()
	if !t.quiet {
		return writeRowsBelow(t.out, t.rows, t.columns, !t.header)
	}
	for _, row := range t.rows {
		if id := row.text("invitation_id"); id != none {
			if _, err := fmt.Fprintln(t.out, id); err != nil {
				return err
			}
		}
	}
	return nil
}
