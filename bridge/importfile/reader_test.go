package importfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"invitebridge/bridge"
	"invitebridge/bridge/importfile"
)

// The errors of rows, behind the place.
const (
	notBoolean = "the value is neither true nor false. Write one of these, or leave the cell empty."
	notJSON    = `the value is not JSON. Write JSON, such as 7 or "text", or leave the cell empty. In CSV, quotation marks within a cell are doubled.`
)

func TestCSV(t *testing.T) {
	for name, e := range map[string]expect{
		"fields": {
			file: "email,external_id,traits.name.first,notify,metadata_admin.team,traits.name.last\na@example.com,7,Ada,TRUE,x,L\n",
			rows: `2 {"email":"a@example.com","external_id":"7","traits":{"name":{"first":"Ada","last":"L"}},"notify":true,"metadata_admin":{"team":"x"}}`,
		},
		"no line feed at the end": {file: "email\na@example.com", rows: `2 {"email":"a@example.com"}`},
		"CRLF":                    {file: "email\r\na@example.com\r\n\r\nb@example.com\r\n", rows: "2 {\"email\":\"a@example.com\"}\n4 {\"email\":\"b@example.com\"}"},
		"BOM":                     {file: "\ufeff\"email\"\na@example.com\n", rows: `2 {"email":"a@example.com"}`},
		"semicolons, a comma in a name": {
			file: "email;\"traits.a,b\";traits.c\na@example.com;1,5;2\n", rows: `2 {"email":"a@example.com","traits":{"a,b":"1,5","c":"2"}}`,
		},
		"tabs":              {file: "email\ttraits.a\na@example.com\tx y\n", rows: `2 {"email":"a@example.com","traits":{"a":"x y"}}`},
		"a declaration":     {file: "sep=;\r\nemail;traits.a\r\na@example.com;x\r\n", rows: `3 {"email":"a@example.com","traits":{"a":"x"}}`},
		"empty lines first": {file: "\n;;\n\"\";\nemail;locale;\na@example.com;de;\n", rows: `5 {"email":"a@example.com","locale":"de"}`},
		"empty cells":       {file: "email,locale,traits.a.b\na@example.com,,\n,de,\n", rows: "2 {\"email\":\"a@example.com\"}\n3 {\"locale\":\"de\"}"},
		"empty rows":        {file: "email,locale\n,\n \t,  \n\"\",\na@example.com,\n", rows: `5 {"email":"a@example.com"}`},
		"missing and additional cells": {
			file: "email,locale,timezone\na@example.com\nb@example.com,de,,, ,\n", rows: "2 {\"email\":\"a@example.com\"}\n3 {\"email\":\"b@example.com\",\"locale\":\"de\"}",
		},
		"line breaks in cells": {
			file: "email,traits.a\na@example.com,\"x\n\ny\"\nb@example.com,\"1\r\n2\"\nc@example.com,\n",
			rows: "2 {\"email\":\"a@example.com\",\"traits\":{\"a\":\"x\\n\\ny\"}}\n5 {\"email\":\"b@example.com\",\"traits\":{\"a\":\"1\\n2\"}}\n7 {\"email\":\"c@example.com\"}",
		},
		"blanks stay":          {file: "email,traits.a\n a@example.com , \n", rows: `2 {"email":" a@example.com ","traits":{"a":" "}}`},
		"quotation marks":      {file: "email,traits.a\na@example.com,\"say \"\"hi\"\"\\\"\n", rows: `2 {"email":"a@example.com","traits":{"a":"say \"hi\"\\"}}`},
		"control characters":   {file: "email,traits.a\na@example.com,\"\x01\t\x7f\"\n", rows: `2 {"email":"a@example.com","traits":{"a":"\u0001\t` + "\x7f" + `"}}`},
		"formulas":             {file: "email,traits.a,traits.b,traits.c\na@example.com,+49 30,'=1,''-2\n", rows: `2 {"email":"a@example.com","traits":{"a":"+49 30","b":"=1","c":"'-2"}}`},
		"apostrophes":          {file: "email,traits.a,traits.b\na@example.com,'t Hooft,''\n", rows: `2 {"email":"a@example.com","traits":{"a":"'t Hooft","b":"''"}}`},
		"booleans":             {file: "email,notify,reactivate,keep_addresses:json\na@example.com,False, true ,true\n", rows: `2 {"email":"a@example.com","notify":false,"reactivate":true,"keep_addresses":true}`},
		"JSON":                 {file: "email,traits.age:json,reminders:json\na@example.com, 7 ,\"[\"\"72h\"\", \"\"24h\"\"]\"\nb@example.com,-1e5, \n", rows: "2 {\"email\":\"a@example.com\",\"traits\":{\"age\":7},\"reminders\":[\"72h\",\"24h\"]}\n3 {\"email\":\"b@example.com\",\"traits\":{\"age\":-1e5}}"},
		"a JSON object":        {file: "email;traits:json\na@example.com;\"{\"\"a\"\": {\"\"b\"\":[1, 2]}}\"\n", rows: `2 {"email":"a@example.com","traits":{"a":{"b":[1,2]}}}`},
		"whole bodies":         {file: "row:json\n\"{ \"\"email\"\": \"\"a@example.com\"\"}\"\n", rows: `2 {"email":"a@example.com"}`},
		"whole bodies and not": {file: "email,row:json\n,\"{\"\"email\"\":null}\"\nb@example.com,\n", rows: "2 {\"email\":null}\n3 {\"email\":\"b@example.com\"}"},
		"a report":             {file: "line,result,invitation_id,error_id,reason,duplicate_of,email\n9,failed,,email_invalid,\"it, is\n\"\"wrong\"\"\",,a@example.com\n", rows: `2 {"email":"a@example.com"}`},
		"columns of a report":  {file: "email,LINE, reason \na@example.com,1,x\n", rows: `2 {"email":"a@example.com"}`},

		"empty":                   {file: "", line: 1, text: "the file is empty. The first line must name the columns, such as: email,"},
		"only blank lines":        {file: "\n;;;\n\r\n", line: 3, text: "the file is empty"},
		"only names":              {file: "email\n\n", line: 1, text: "the file has no rows"},
		"a cell too many":         {file: "email,locale\na@example.com,de,x\n", line: 2, text: "there are 3 cells or more, but 2 columns"},
		"a cell without a column": {file: "email,,locale\na@example.com,\"\n\n\",\nb@example.com,x,de\n", rows: `2 {"email":"a@example.com"}`, line: 5, text: "the cell in column 2 has a value, but the column has no name"},
		"the line of a cell":      {file: "email,traits.a,notify\na@example.com,\"\n\n\",yes\n", rows: `2 {"email":"a@example.com","traits":{"a":"\n\n"},"notify":"yes"} Line 4, column notify: ` + notBoolean},
		"an open quote":           {file: "email,traits.a\na@example.com,x\nb@example.com,\"x\nc@example.com,y\n", rows: `2 {"email":"a@example.com","traits":{"a":"x"}}`, line: 3, text: "a quotation mark is not closed"},
		"a quote within a cell":   {file: "email,traits.a\na@example.com,6\" pipe\n", line: 2, text: "there is a quotation mark within a cell"},
		"text behind a quote":     {file: "email,traits.a\na@example.com,\"x\ny\" z\nb@example.com,\n", line: 3, text: "there is text behind a closing quotation mark"},
		"other separators below":  {file: "email;locale\na@example.com,de\n", line: 2, text: "the cells are not separated as the names of the columns are, by semicolons"},
		"not JSON":                {file: "email,traits.a:json\na@example.com,yes\n", rows: `2 {"email":"a@example.com","traits":{"a":"yes"}} Line 2, column traits.a:json: ` + notJSON},
		"cut JSON":                {file: "email,traits:json\na@example.com,\"{\"\"a\"\": 1\"\n", rows: `2 {"email":"a@example.com","traits":"{\"a\": 1"} Line 2, column traits:json: ` + notJSON},
		"not a boolean, not JSON": {
			file: "notify,traits.a:json,email\n=1,-,a@example.com\nno,,b@example.com\ntrue,1,c@example.com\n",
			rows: `2 {"notify":"=1","traits":{"a":"-"},"email":"a@example.com"} Line 2, column notify: ` + notBoolean + "\n" +
				`3 {"notify":"no","email":"b@example.com"} Line 3, column notify: ` + notBoolean + "\n" +
				`4 {"notify":true,"traits":{"a":1},"email":"c@example.com"}`,
		},
		"a list as a body": {file: "row:json\n[]\n", line: 2, text: "the value of row:json is not a JSON object"},
		"two bodies":       {file: "email,row:json\na@example.com,{}\n", line: 2, text: "there is a value in row:json and in another column"},
		"a long row":       {file: "email,traits.a\na@example.com,\"x" + strings.Repeat("\nline", 1<<18) + "\"\n", line: 2, text: "the row is longer than 1 MiB"},
		"a long line":      {file: "email\na@example.com\n" + strings.Repeat("x", 1<<20+1), rows: `2 {"email":"a@example.com"}`, line: 3, text: "the line is longer than 1 MiB"},
		"many cells":       {file: "email\na@example.com" + strings.Repeat(",", 1<<10), line: 2, text: "the row has more than 512 cells"},
	} {
		t.Run(name, func(t *testing.T) { e.check(t, importfile.CSV) })
	}
}

// TestLongRows: rows up to the limit are read, with any number of separators in
// their texts.
func TestLongRows(t *testing.T) {
	list := strings.TrimSuffix(strings.Repeat("1,", 1<<18), ",")
	for _, text := range []string{"[" + list + "]", "[" + strings.ReplaceAll(list, ",", ",\n") + "]"} {
		rows, _, err := readAll(strings.NewReader("email,traits.a:json\n\na@example.com,\""+text+"\"\n"), importfile.CSV)
		if want := `3 {"email":"a@example.com","traits":{"a":[` + list + `]}}`; err != nil || len(rows) != 1 || rows[0] != want {
			t.Errorf("got %d rows, %v", len(rows), err)
		}
	}
	rows, _, err := readAll(strings.NewReader("email\n"+strings.Repeat("\n", 3<<20)+"a@example.com\n"), importfile.CSV)
	if err != nil || len(rows) != 1 || rows[0] != `3145730 {"email":"a@example.com"}` {
		t.Errorf("blank lines: %d rows, %v", len(rows), err)
	}
}

// TestLayout: the names are canonical, and those of the report and of no body are
// left out.
func TestLayout(t *testing.T) {
	for file, want := range map[string]importfile.Layout{
		"line\t EMAIL \tTraits.Name.First\t\tMetadata_Public.A:JSON\tNOTIFY:json\trow:json\tlocale\n": {Separator: "\t", Columns: []string{"email", "traits.Name.First", "metadata_public.A:json", "notify:json", "locale"}},
		"row:json\n": {Separator: ","},
	} {
		r, err := importfile.NewReader(strings.NewReader(file), importfile.CSV)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Layout()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", file, diff)
		}
	}
}

// TestReaderErrors: errors of the underlying reader are returned as they are and
// end the file; no part of a line becomes a row.
func TestReaderErrors(t *testing.T) {
	broken := errors.New("the connection was reset")
	blank := strings.Repeat("\n", 100)
	for file, rows := range map[string]int{"": 0, "em": 0, "email\n": 0, "email\na@exam": 0, "email\na@example.com\n": 1, "email\n\"a@example.com\n": 0} {
		source := iotest.OneByteReader(io.MultiReader(strings.NewReader(blank+file), iotest.ErrReader(broken)))
		if got, _, err := readAll(source, importfile.CSV); !errors.Is(err, broken) || len(got) != rows {
			t.Errorf("%q: %v, %v", file, got, err)
		}
	}
	for file, rows := range map[string]int{"": 0, "{": 0, "{}": 0, "{}\n": 1, "{}\n{}": 1} {
		source := iotest.HalfReader(io.MultiReader(strings.NewReader(blank+file), iotest.ErrReader(broken)))
		if got, _, err := readAll(source, importfile.NDJSON); !errors.Is(err, broken) || len(got) != rows {
			t.Errorf("%q: %v, %v", file, got, err)
		}
	}
	r, err := importfile.NewReader(io.MultiReader(strings.NewReader("email\na@example.com\n"+strings.Repeat("\n", 100)), iotest.ErrReader(broken)), importfile.CSV)
	if err != nil {
		t.Fatal(err)
	}
	_, first := r.Next()
	_, second := r.Next()
	if _, third := r.Next(); first != nil || !errors.Is(second, broken) || !errors.Is(third, broken) {
		t.Errorf("got %v, %v, %v", first, second, third)
	}
}

// TestUnknownFormat: a Reader and a Writer reject other formats.
func TestUnknownFormat(t *testing.T) {
	if _, err := importfile.NewReader(strings.NewReader(""), "text/plain"); !errors.Is(err, bridge.ErrUnsupportedMediaType) {
		t.Errorf("reading: %v", err)
	}
	if _, err := importfile.NewWriter(io.Discard, "text/plain", importfile.Layout{}); !errors.Is(err, bridge.ErrUnsupportedMediaType) {
		t.Errorf("writing: %v", err)
	}
}
