package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// commandOf returns a command about an import, for hints.
func commandOf(words string, id uuid.UUID) string { return "invitebridge " + words + " " + id.String() }

// importEnd returns an error unless all rows have a result and none has failed. It writes
// failed rows to a file beside the imported one, except those of a dry run: the file has
// yet to be imported as a whole.
func (s *session) importEnd(ctx context.Context, v bridge.ImportView, file *rowFile) error {
	if v.State == bridge.ImportPaused {
		return fmt.Errorf("the import is paused, and %s of %s rows wait\n  hint: %s continues it",
			grouped(v.Waiting), grouped(v.Rows), commandOf("resume import", v.ID))
	}
	if v.DryRun && v.State == bridge.ImportFinished {
		return s.dryRunEnd(v, file)
	}
	var problems []string
	if v.Counts.Failed > 0 {
		problems = append(problems, fmt.Sprintf("%s of %s rows failed", grouped(v.Counts.Failed), grouped(v.Rows)))
	}
	if v.Waiting > 0 {
		problems = append(problems, fmt.Sprintf("the import was canceled before %s of %s rows were begun", grouped(v.Waiting), grouped(v.Rows)))
	}
	if len(problems) == 0 {
		return nil
	}
	text := strings.Join(problems, "; ")
	if v.Counts.Failed == 0 {
		return errors.New(text)
	}
	hint := commandOf("list rows", v.ID) + " --result failed shows them"
	if file != nil && file.path != "" && !v.DryRun {
		name, err := s.saveFailed(ctx, v.ID, file)
		if err != nil {
			text += fmt.Sprintf("; they could not be saved: %v", err)
		} else {
			hint = "correct them in " + printable(name) + " and import that file"
		}
	}
	return errors.New(text + "\n  hint: " + hint)
}

// dryRunEnd says what to do after a dry run, and returns an error if rows would fail.
func (s *session) dryRunEnd(v bridge.ImportView, file *rowFile) error {
	name := "the file"
	if file != nil && file.path != "" {
		name = printable(file.path)
	}
	s.note("Not checked: the identity schema, hooks, and unique ids other than the address.")
	if v.Counts.Failed == 0 {
		s.note("Nobody was invited. To invite these people, import %s without --dry-run.", name)
		return nil
	}
	return fmt.Errorf("%s of %s rows would fail\n  hint: %s shows the line and the reason of each: correct them in %s, and import it without --dry-run",
		grouped(v.Counts.Failed), grouped(v.Rows), commandOf("list rows", v.ID)+" --result failed", name)
}

// saveFailed writes the failed rows of an import to a new file beside the imported one,
// and returns its name.
func (s *session) saveFailed(ctx context.Context, id uuid.UUID, file *rowFile) (name string, err error) {
	out, err := createBeside(file.path, file.mediaType)
	if err != nil {
		return "", err
	}
	err = s.client.ImportRows(ctx, id, httpapi.ImportRowsQuery{Result: bridge.ResultFailed, MediaType: file.mediaType}, out)
	if err = errors.Join(err, out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(out.Name())) // an incomplete file must not look complete
	}
	return out.Name(), nil
}

// failedMark is in the names of files of failed rows, before their ending.
var failedMark = regexp.MustCompile(`\.failed(-[0-9]+)?$`)

// maxFailedFiles bounds the names that are tried.
const maxFailedFiles = 10_000

// createBeside creates a file for the failed rows of an imported file. It overwrites no
// file: the failed rows of people.csv and of people.failed.csv go to people.failed.csv
// if there is none, or else to people.failed-2.csv, and so on.
func createBeside(path, mediaType string) (*os.File, error) {
	ending := filepath.Ext(path)
	if formatByName(path) == "" {
		ending = ""
	}
	stem := failedMark.ReplaceAllString(strings.TrimSuffix(path, ending), "")
	if ending == "" {
		ending = "." + formatCSV
		if mediaType == httpapi.MediaTypeNDJSON {
			ending = "." + formatNDJSON
		}
	}
	for n, number := 1, ""; ; n, number = n+1, fmt.Sprintf("-%d", n+1) {
		file, err := os.OpenFile(stem+".failed"+number+ending, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, os.ErrExist) || n == maxFailedFiles {
			return file, err
		}
	}
}
