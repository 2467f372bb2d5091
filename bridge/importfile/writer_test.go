package importfile_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge/importfile"
)

// report writes results and returns the report without the byte order mark of CSV.
func report(t *testing.T, format importfile.Format, layout importfile.Layout, results ...importfile.Result) string {
	t.Helper()
	var b bytes.Buffer
	w, err := importfile.NewWriter(&b, format, layout)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(b.String(), "\ufeff")
	if marked != (format == importfile.CSV) {
		t.Errorf("a byte order mark: %v", marked)
	}
	return text
}

var someResults = []importfile.Result{
	{Line: 2, Result: "failed", ErrorID: "traits_invalid", Reason: "It is \"wrong\", sorry.\nReally.", Body: json.RawMessage(`{"email":"a@example.com","traits":{"phone":"+49 30"}}`)},
	{Line: 5, Result: "duplicate", DuplicateOf: 2, Body: json.RawMessage(`{"email":"A@example.com"}`)},
	{Line: 6, Result: "invited", InvitationID: "0190d3f7-0000-7000-8000-000000000001", Body: json.RawMessage(`{ "traits": {"age": 7}, "email": "b@example.com" }`)},
	{Line: 7, Result: "failed", Reason: "=1;2\t3", Body: json.RawMessage(`{}`)},
}

func TestReports(t *testing.T) {
	const names = "line,result,invitation_id,error_id,reason,duplicate_of,"
	for name, c := range map[string]struct {
		format importfile.Format
		layout importfile.Layout
		want   string
	}{
		"columns": {importfile.CSV, importfile.Layout{Columns: []string{"email", "traits.phone", "traits.age:json"}}, names + `email,traits.phone,traits.age:json,row:json
2,failed,,traits_invalid,"It is ""wrong"", sorry.
Really.",,a@example.com,'+49 30,,
5,duplicate,,,,2,A@example.com,,,
6,invited,0190d3f7-0000-7000-8000-000000000001,,,,b@example.com,,7,
7,failed,,,'=1;2	3,,,,,
`},
		"another separator": {importfile.CSV, importfile.Layout{Separator: ";", Columns: []string{"traits:json", "email"}}, strings.ReplaceAll(names, ",", ";") + `traits:json;email;row:json
2;failed;;traits_invalid;"It is ""wrong"", sorry.
Really.";;"{""phone"":""+49 30""}";a@example.com;
5;duplicate;;;;2;;A@example.com;
6;invited;0190d3f7-0000-7000-8000-000000000001;;;;"{""age"":7}";b@example.com;
7;failed;;;"'=1;2	3";;;;
`},
		"a column is missing": {importfile.CSV, importfile.Layout{Columns: []string{"email", "traits.phone"}}, names + `email,traits.phone,row:json
2,failed,,traits_invalid,"It is ""wrong"", sorry.
Really.",,a@example.com,'+49 30,
5,duplicate,,,,2,A@example.com,,
6,invited,0190d3f7-0000-7000-8000-000000000001,,,,,,"{""traits"":{""age"":7},""email"":""b@example.com""}"
7,failed,,,'=1;2	3,,,,
`},
		"no columns": {importfile.CSV, importfile.Layout{}, names + `row:json
2,failed,,traits_invalid,"It is ""wrong"", sorry.
Really.",,"{""email"":""a@example.com"",""traits"":{""phone"":""+49 30""}}"
5,duplicate,,,,2,"{""email"":""A@example.com""}"
6,invited,0190d3f7-0000-7000-8000-000000000001,,,,"{""traits"":{""age"":7},""email"":""b@example.com""}"
7,failed,,,'=1;2	3,,
`},
		"NDJSON": {importfile.NDJSON, importfile.Layout{}, `{"line":2,"result":"failed","error_id":"traits_invalid","reason":"It is \"wrong\", sorry.\nReally.","row":{"email":"a@example.com","traits":{"phone":"+49 30"}}}
{"line":5,"result":"duplicate","duplicate_of":2,"row":{"email":"A@example.com"}}
{"line":6,"result":"invited","invitation_id":"0190d3f7-0000-7000-8000-000000000001","row":{"traits":{"age":7},"email":"b@example.com"}}
{"line":7,"result":"failed","reason":"=1;2\t3","row":{}}
`},
	} {
		t.Run(name, func(t *testing.T) {
			got := report(t, c.format, c.layout, someResults...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEmptyReports: a report without results has the names of its columns.
func TestEmptyReports(t *testing.T) {
	if got := report(t, importfile.CSV, importfile.Layout{Columns: []string{"email"}}); got != "line,result,invitation_id,error_id,reason,duplicate_of,email,row:json\n" {
		t.Errorf("got %q", got)
	}
	if got := report(t, importfile.NDJSON, importfile.Layout{}); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestBodiesOutsideColumns: a body from which a Reader would get another one is
// written to row:json as it is.
func TestBodiesOutsideColumns(t *testing.T) {
	layout := importfile.Layout{Columns: []string{"email", "notify", "traits.a", "metadata_admin:json"}}
	for body, inColumns := range map[string]bool{
		`{"email":"a","notify":true,"traits":{"a":"x"},"metadata_admin":{"b":null}}`: true,
		`{"email":" ","notify":false}`:           true,
		`{"email":"a\n\r"}`:                      true,
		`{"email":1}`:                            false,
		`{"email":null}`:                         false,
		`{"email":""}`:                           false,
		`{"email":"a\r\nb"}`:                     false, // a Reader turns it into one line feed
		`{"email":"a\u0000"}`:                    false,
		`{"email":"\ud800"}`:                     false, // half a character
		`{"email":"\u0061"}`:                     false,
		`{"email":"a","email":"b"}`:              false,
		`{"notify":"true"}`:                      false,
		`{"notify":null}`:                        false,
		`{"traits":{}}`:                          false,
		`{"traits":[]}`:                          false,
		`{"traits":"a"}`:                         false,
		`{"traits":{"a":"x","b":"y"}}`:           false,
		`{"traits":{"a":"x"},"traits":{}}`:       false,
		`{"metadata_admin":1,"email":"a","b":1}`: false,
	} {
		got := report(t, importfile.CSV, layout, importfile.Result{Line: 2, Result: "failed", Body: json.RawMessage(body)})
		whole := `,"` + strings.ReplaceAll(body, `"`, `""`) + "\"\n"
		if strings.HasSuffix(got, whole) == inColumns {
			t.Errorf("%s became\n%s", body, got)
		}
		if rows, _, err := readAll(strings.NewReader(got), importfile.CSV); err != nil || len(rows) != 1 || rows[0] != "2 "+body {
			t.Errorf("%s is read as %v, %v", body, rows, err)
		}
	}
}

// TestFormulas: which texts get a ' in a report.
func TestFormulas(t *testing.T) {
	for text, cell := range map[string]string{
		"=1+1": "'=1+1", "+49": "'+49", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "\"'\rx\"",
		"'=1": "''=1", "''+1": "'''+1", "'": "'", "'t Hooft": "'t Hooft", "''": "''", "1-1": "1-1", " =1": `" =1"`, "": "",
	} {
		got := report(t, importfile.CSV, importfile.Layout{Columns: []string{"email"}}, importfile.Result{Reason: text, Body: json.RawMessage(`{"email":"a"}`)})
		if _, row, _ := strings.Cut(got, "\n"); row != "0,,,,"+cell+",,a,\n" {
			t.Errorf("%q became %q", text, row)
		}
	}
}

// TestFormulasBySeparator: a program that reads a report with the separator of the
// report finds no formula. With another separator it may: the documentation says so.
func TestFormulasBySeparator(t *testing.T) {
	const separators = ",;\t"
	for _, own := range separators {
		for _, other := range separators {
			content := "x" + string(other) + "=1+cmd|' /C calc'!A1" + string(other) + "y"
			body, err := json.Marshal(map[string]any{"email": content, "traits": map[string]any{"a": string(other) + "@SUM(A1)"}})
			if err != nil {
				t.Fatal(err)
			}
			layout := importfile.Layout{Separator: string(own), Columns: []string{"email", "traits.a"}}
			text := report(t, importfile.CSV, layout, importfile.Result{Line: 2, Result: "failed", Reason: content, Body: body})
			for _, used := range separators {
				r := csv.NewReader(strings.NewReader(text))
				r.Comma, r.FieldsPerRecord, r.LazyQuotes = used, -1, true
				rows, err := r.ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				formula := slices.ContainsFunc(slices.Concat(rows...), func(cell string) bool {
					return cell != "" && strings.Contains("=+-@\t\r", cell[:1])
				})
				switch {
				case used == own && formula:
					t.Errorf("a report with %q has a formula: %q", own, rows)
				case used == other && used != own && !formula:
					t.Errorf("a report with %q, read with %q, has no formula: the documentation can promise more", own, used)
				}
			}
		}
	}
}

// TestWriterErrors: a layout that no Reader returned, a body that is no object, and a
// failing underlying writer.
func TestWriterErrors(t *testing.T) {
	for _, layout := range []importfile.Layout{{Separator: "|"}, {Separator: ",;"}, {Columns: []string{"x"}}, {Columns: []string{"email", "row:json"}}, {Columns: []string{"line"}}} {
		if _, err := importfile.NewWriter(io.Discard, importfile.CSV, layout); err == nil {
			t.Errorf("%v was accepted", layout)
		}
	}
	full := errors.New("the disk is full")
	for _, format := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
		r, out := io.Pipe()
		_ = r.CloseWithError(full)
		w, err := importfile.NewWriter(out, format, importfile.Layout{})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"", "[]", "1", "{", "{\"a\":\"\xff\"}"} {
			if err := w.Write(importfile.Result{Body: json.RawMessage(body)}); err == nil {
				t.Errorf("%s: the body %q was accepted", format, body)
			}
		}
		err = w.Write(importfile.Result{Line: 1, Body: json.RawMessage("{}")})
		if err = errors.Join(err, w.Flush()); !errors.Is(err, full) {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// TestMaximumColumns: a file with the most columns has a report that is read.
func TestMaximumColumns(t *testing.T) {
	file := "email" + paths(255) + "\na" + strings.Repeat(",x", 255) + "\n"
	rows, layout, err := readAll(strings.NewReader(file), importfile.CSV)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(rows[0], " ")
	again, _, err := readAll(strings.NewReader(report(t, importfile.CSV, layout, importfile.Result{Line: 2, Body: json.RawMessage(body)})), importfile.CSV)
	if diff := cmp.Diff(rows, again); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}
