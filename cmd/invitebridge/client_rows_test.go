package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"invitebridge/bridge"
)

// TestRowTable: any number of rows is printed, whatever pieces they arrive in, and no
// text of a row reaches the terminal unescaped.
func TestRowTable(t *testing.T) {
	var text strings.Builder
	const rows = alignedRows + 7
	for i := range rows {
		fmt.Fprintf(&text, `{"line":%d,"result":"failed","reason":"\u001b[2J","row":{"email":"a%d@example.com"}}`+"\n", i+2, i)
	}
	for _, piece := range []int{1, 7, 1 << 20} {
		var out bytes.Buffer
		table := &rowTable{out: &out, columns: columnsOfRows(bridge.ResultFailed)}
		for rest := []byte(text.String()); len(rest) > 0; {
			n := min(piece, len(rest))
			if _, err := table.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := table.flush(); err != nil {
			t.Fatal(err)
		}
		got := out.String()
		if strings.Count(got, "\n") != rows+1 || strings.Count(got, "LINE") != 1 || !strings.Contains(got, fmt.Sprintf("a%d@example.com", rows-1)) ||
			!strings.Contains(got, `\u001b[2J`) || strings.Contains(got, "\x1b") {
			t.Errorf("in pieces of %d bytes: %d lines\n%.500s", piece, strings.Count(got, "\n"), got)
		}
	}
	var out bytes.Buffer
	empty := &rowTable{out: &out, columns: columnsOfRows("")}
	if err := empty.flush(); err != nil || !strings.HasPrefix(out.String(), "LINE  EMAIL") {
		t.Errorf("without rows: %q, %v", &out, err)
	}
	if _, err := empty.Write([]byte("<html>\n")); err == nil {
		t.Error("a line that is not JSON is accepted")
	}
}

// TestTerminalWriter: rows in any format are escaped for a terminal.
func TestTerminalWriter(t *testing.T) {
	const text = "\ufeffline,reason\n2,\x1b]0;a\x07\u009bé\t\r\n3,end"
	const want = "line,reason\n2,\\u001b]0;a\\u0007\\u009bé\t\\u000d\n3,end"
	for _, piece := range []int{1, 5, 100} {
		var out bytes.Buffer
		w := &terminalWriter{out: &out}
		for rest := text; rest != ""; {
			n := min(piece, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.flush(); err != nil || out.String() != want {
			t.Errorf("in pieces of %d bytes: %q, want %q; %v", piece, &out, want, err)
		}
	}
}

// TestRowsRefused: while others download rows, the commands say when to try again, and
// leave no file of failed rows.
func TestRowsRefused(t *testing.T) {
	const id = "0199f3a0-0000-7000-8000-000000000000"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/rows") {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusAccepted)
			}
			_, _ = fmt.Fprintf(w, `{"id":%q,"state":"finished","rows":2,"waiting":0,"counts":{"invited":1,"failed":1}}`, id)
			return
		}
		w.Header().Set("Retry-After", "10")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"id":"too_many_requests","reason":"4 reports."}}`)
	}))
	defer server.Close()
	code, out, errs := runClient(t, server.URL, "list", "rows", id, "--format", "csv")
	if want := "invitebridge: too_many_requests: 4 reports.\n  hint: try again in 10s\n"; code != exitFailed || out != "" || errs != want {
		t.Errorf("code %d, %s%s", code, out, errs)
	}
	file := writePeople(t)
	code, _, errs = runClient(t, server.URL, "import", "invitations", file, "--follow")
	want := "invitebridge: 1 of 2 rows failed; they could not be saved: too_many_requests: 4 reports.\n" +
		"  hint: invitebridge list rows " + id + " --result failed shows them\n"
	if code != exitFailed || !strings.HasSuffix(errs, want) {
		t.Errorf("code %d, %s", code, errs)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
}
