package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Verdicts of findings.
const (
	verdictOK      = "ok"
	verdictWarning = "warning"
	verdictProblem = "problem"
)

// finding is a line of the doctor's report. It contains no secrets.
type finding struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"` // what to do about it
	// Set only for findings about an identity.
	IdentityID string `json:"identity_id,omitempty"`
	Email      string `json:"email,omitempty"`
}

func passed(format string, args ...any) finding {
	return finding{Verdict: verdictOK, Message: fmt.Sprintf(format, args...)}
}

func warning(message, advice string) finding {
	return finding{Verdict: verdictWarning, Message: message, Advice: advice}
}

func problem(message, advice string) finding {
	return finding{Verdict: verdictProblem, Message: message, Advice: advice}
}

// reportFormats are the formats in which findings can be written one at a time.
var reportFormats = []string{formatTable, formatJSON}

// report writes findings as they arrive, because there may be many.
type report struct {
	out      io.Writer
	asJSON   bool
	written  int
	problems int
	failure  error // of the first failed write
}

func newReport(out io.Writer, format string) (*report, error) {
	if !slices.Contains(reportFormats, format) {
		return nil, usageError{fmt.Errorf("--format must be one of %s", strings.Join(reportFormats, ", "))}
	}
	return &report{out: out, asJSON: format == formatJSON}, nil
}

func (r *report) add(f finding) {
	if f.Verdict == verdictProblem {
		r.problems++
	}
	if r.asJSON {
		separator := ",\n"
		if r.written == 0 {
			separator = "[\n"
		}
		r.write(separator + asLine(f))
	} else {
		r.write(f.String() + "\n")
	}
	r.written++
}

// end closes the list. It returns the error of the first failed write, if any.
func (r *report) end() error {
	if r.asJSON {
		r.write("\n]\n")
	}
	return r.failure
}

func (r *report) write(text string) {
	if _, err := io.WriteString(r.out, text); err != nil && r.failure == nil {
		r.failure = err
	}
}

// String returns a line of the table.
func (f finding) String() string {
	text := f.Message
	if f.IdentityID != "" {
		text = f.IdentityID + " " + f.Email + " " + text
	}
	if f.Advice != "" {
		text += "; " + f.Advice
	}
	return printable(fmt.Sprintf("%-7s  %-17s  %s", f.Verdict, f.Check, text))
}

func asLine(f finding) string {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	_ = e.Encode(f) // cannot fail for strings
	return string(escapeControls(bytes.TrimSpace(line.Bytes())))
}
