package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// invitee holds what differs between the invitations of one run.
type invitee struct {
	email  string // empty: the identity's
	line   int    // of the file; 0: from the command line
	traits json.RawMessage
}

// String identifies an invitee in error messages.
func (i invitee) String() string {
	if i.line > 0 {
		return fmt.Sprintf("line %d, %s", i.line, i.email)
	}
	return i.email
}

// Limits for a file of invitees.
const (
	maxInvitees = 16 << 20 // bytes; a hundred thousand invitees need less
	maxColumns  = 200
	maxDepth    = 20 // of a trait
)

// maxProblems limits the problems reported for one file: the same mistake is
// often in every line.
const maxProblems = 20

// readInvitees reads a file of comma-separated values. Its first line has email
// and the paths of traits, such as name.first; the cells are strings, and an
// empty one sets no trait. They override common, a JSON object of traits; common
// may be empty.
func readInvitees(path string, common json.RawMessage) ([]invitee, error) {
	content, err := readText(path)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(content))
	header, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var invitees []invitee
	var problems []error
	lines := map[string]int{} // by address
	for len(problems) < maxProblems {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // it names the line
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
			break
		}
		one := invitee{}
		one.line, _ = r.FieldPos(0)
		if one.email, one.traits, err = readRow(header, row, common); err != nil {
			problems = append(problems, fmt.Errorf("%s: line %d: %w", path, one.line, err))
		}
		address := strings.ToLower(one.email)
		if before := lines[address]; before > 0 && address != "" {
			problems = append(problems, fmt.Errorf("%s: line %d: %s is already on line %d", path, one.line, printable(one.email), before))
		}
		lines[address] = one.line
		invitees = append(invitees, one)
	}
	if len(invitees)+len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s: no invitees below the line with the column names", path))
	}
	return invitees, errors.Join(problems...)
}

// readText reads a file in UTF-8 and drops a byte order mark. Other encodings
// are rejected: they would corrupt names.
func readText(path string) ([]byte, error) {
	file, err := os.Open(path) // #nosec G304 -- the caller's own
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxInvitees+1))
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxInvitees:
		return nil, fmt.Errorf("%s is larger than %d MiB; split it", path, maxInvitees>>20)
	case !utf8.Valid(content), bytes.IndexByte(content, 0) >= 0:
		return nil, fmt.Errorf("%s is not UTF-8 text; save it as CSV UTF-8", path)
	}
	return content, nil
}

const emailColumn = "email"

func readHeader(r *csv.Reader) ([]string, error) {
	header, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(header) > maxColumns {
		return nil, fmt.Errorf("there are %d columns; at most %d are allowed", len(header), maxColumns)
	}
	for i, name := range header {
		header[i] = strings.TrimSpace(name)
		switch {
		case slices.Contains(header[:i], header[i]):
			return nil, fmt.Errorf("two columns are named %q", header[i])
		case strings.ContainsFunc(header[i], unicode.IsControl):
			return nil, fmt.Errorf("the column name %.40q has a control character; end lines with line feeds", header[i])
		}
	}
	if !slices.Contains(header, emailColumn) {
		return nil, errors.New("no column is named email; the first line must name the columns, separated by commas")
	}
	return header, nil
}

func readRow(header, row []string, common json.RawMessage) (email string, _ json.RawMessage, err error) {
	traits := map[string]any{}
	if len(common) > 0 {
		d := json.NewDecoder(bytes.NewReader(common))
		d.UseNumber() // keeps all digits
		if err := d.Decode(&traits); err != nil {
			return "", nil, err
		}
	}
	for i, path := range header {
		value := strings.TrimSpace(row[i])
		if path == emailColumn {
			email = value
		} else if value != "" {
			err = errors.Join(err, put(traits, path, value))
		}
	}
	if email == "" {
		err = errors.Join(err, errors.New("the email is missing"))
	}
	if err != nil || len(traits) == 0 {
		return email, nil, err
	}
	text, err := json.Marshal(traits)
	return email, text, err
}

// put sets a trait by its path.
func put(traits map[string]any, path, value string) error {
	names := strings.Split(path, ".")
	if slices.Contains(names, "") || len(names) > maxDepth {
		return fmt.Errorf("the column %.40q is not the path of a trait, such as name.first", path)
	}
	last := len(names) - 1
	for _, name := range names[:last] {
		if traits[name] == nil {
			traits[name] = map[string]any{}
		}
		inner, ok := traits[name].(map[string]any)
		if !ok {
			return fmt.Errorf("the column %q needs an object at %q, which has another value", path, name)
		}
		traits = inner
	}
	if _, object := traits[names[last]].(map[string]any); object {
		return fmt.Errorf("the column %q would replace an object with a string", path)
	}
	traits[names[last]] = value
	return nil
}
