package importfile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"invitebridge/bridge/importfile"
)

// FuzzCSV: any file becomes rows that are JSON objects, in the order of their lines,
// or an error that names its line. A report about the rows has the same rows.
func FuzzCSV(f *testing.F) {
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) < 10 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("email,notify,traits.a:json\na,no,x\n,=1,-\n,'true,\"{\"\n,fal\u017fe,\"\"\"\"\n"))
	f.Add([]byte("email,traits.a.b:json,row:json,,line\na,\"{\"\"a\"\":1}\",,,\n,,{},,\n,-1\n"))
	f.Fuzz(func(t *testing.T, content []byte) { checkFile(t, content, importfile.CSV) })
}

// FuzzNDJSON is the same for NDJSON.
func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{"{}\n{\"email\":\"a\"}", "\ufeff{\"line\":1,\"row\":{\"a\":[{\"b\":\"}\\\\\\\"\"}]}}\n", "{\"row\":{}}", "[]", "{\"a\":\"\\ud800\",\"a\":-1.0e5}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) { checkFile(t, content, importfile.NDJSON) })
}

func checkFile(t *testing.T, content []byte, format importfile.Format) {
	r, err := importfile.NewReader(bytes.NewReader(content), format)
	if err != nil {
		invalid(t, err)
		return
	}
	var rows []importfile.Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			invalid(t, err)
			break
		}
		if len(row.Body) == 0 || row.Body[0] != '{' || !json.Valid(row.Body) || !utf8.Valid(row.Body) {
			t.Fatalf("line %d: %q", row.Line, row.Body)
		}
		if n := len(rows); row.Line < 1 || row.Line > 1+bytes.Count(content, []byte("\n")) || n > 0 && row.Line <= rows[n-1].Line {
			t.Fatalf("line %d is row %d", row.Line, n+1)
		}
		rows = append(rows, row)
	}
	for _, written := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
		roundTrip(t, rows, written, r.Layout(), bytes.Equal)
	}
}

// FuzzRoundTrip: any text and any body is read from a report as it was written.
func FuzzRoundTrip(f *testing.F) {
	for _, text := range []string{"Ada", "=1+1", "'=1", "''+49", "'", "+49 30", "a\r\nb", "a\rb\n", "\t", " ", ",;\t\"", "\u2028", `\.`, "\x00", "\ufeff", "ü"} {
		f.Add(text, `{"email":`+"\"a\""+`}`, byte(0))
	}
	for i, body := range []string{
		`{"traits":{"a":1},"notify":null}`, `{"traits":{}}`, `{"traits":[]}`, `{"email":"a","email":"b"}`, `{"email":"\ud800"}`, `{"email":"\u0061"}`, `{"notify":true,"traits":{"b":[1,{"c":"\r\n"}]}}`,
		`{}`, `{"row":{}}`, `{"line":1,"row":{"row":{}}}`, `{"traits":{"b":-1}}`, `{"email":"=1"}`, `{"email":"' =1"}`, `{"email":"a\u0000"}`,
	} {
		f.Add("x", body, byte(i))
	}
	f.Fuzz(func(t *testing.T, text, body string, separator byte) {
		layout := importfile.Layout{Separator: string(",;\t"[separator%3]), Columns: []string{"email", "traits.a", "traits.b:json", "notify", "metadata_admin:json"}}
		object, err := json.Marshal(map[string]any{"email": text, "traits": map[string]any{"a": text, "b": []string{text}}, "other": text})
		if err != nil || !utf8.ValidString(body) {
			return
		}
		bodies := [][]byte{object}
		if text != "" && utf8.ValidString(text) {
			plain, _ := json.Marshal(map[string]any{"email": text, "traits": map[string]any{"a": text}})
			bodies = append(bodies, plain)
		}
		if json.Valid([]byte(body)) && strings.HasPrefix(strings.TrimSpace(body), "{") {
			bodies = append(bodies, []byte(body))
		}
		var rows []importfile.Row
		for i, body := range bodies {
			rows = append(rows, importfile.Row{Line: i + 2, Body: body})
		}
		for _, format := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
			roundTrip(t, rows, format, layout, sameValue) // the columns give members another order
			roundTrip(t, rows, format, importfile.Layout{}, sameValue)
		}
	})
}

// roundTrip writes a report about the rows and compares the bodies that it is read as.
func roundTrip(t *testing.T, rows []importfile.Row, format importfile.Format, layout importfile.Layout, same func(a, b []byte) bool) {
	t.Helper()
	var report bytes.Buffer
	w, err := importfile.NewWriter(&report, format, layout)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		reason := "it is\n\"" + string(row.Body[:min(20, len(row.Body))])
		if err := w.Write(importfile.Result{Line: row.Line, Result: "failed", Reason: strings.ToValidUTF8(reason, ""), Body: row.Body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		return
	}
	written := report.String()
	r, err := importfile.NewReader(&report, format)
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	for _, row := range rows {
		got, err := r.Next()
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !same(got.Body, row.Body) {
			t.Fatalf("%s became %s in\n%s", row.Body, got.Body, written)
		}
	}
	if row, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last row: %s, %v\n%s", row.Body, err, written)
	}
}

// sameValue compares JSON by value, numbers digit by digit.
func sameValue(a, b []byte) bool {
	decode := func(raw []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		_ = d.Decode(&v)
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}
