package importfile_test

import (
	"strings"
	"testing"

	"invitebridge/bridge/importfile"
)

func TestNDJSON(t *testing.T) {
	for name, e := range map[string]expect{
		"objects":      {file: "{\"email\" : \"a@example.com\", \"n\":1.50}\n\n \t\r\n{}", rows: "1 {\"email\":\"a@example.com\",\"n\":1.50}\n4 {}"},
		"BOM, CRLF":    {file: "\ufeff{\"email\":\"a\"}\r\n", rows: `1 {"email":"a"}`},
		"as it is":     {file: `{"a":"\u00fc<\/ü","a":1e400}`, rows: `1 {"a":"\u00fc<\/ü","a":1e400}`},
		"a report":     {file: `{"line":3,"result":"failed","error_id":"x","reason":"a \"row\":{ }","invitation_id":"","duplicate_of":1,"row":{"email":"a","row":{}}}`, rows: `1 {"email":"a","row":{}}`},
		"no report":    {file: `{"email":"a","row":{}}`, rows: `1 {"email":"a","row":{}}`},
		"two rows":     {file: `{"line":1,"row":{},"row":{}}`, rows: `1 {"line":1,"row":{},"row":{}}`},
		"row in text":  {file: `{"reason":"\"row\":{}"}`, rows: `1 {"reason":"\"row\":{}"}`},
		"a row deeper": {file: `{"line":{"row":{}}}`, rows: `1 {"line":{"row":{}}}`},
		"not a row":    {file: `{"line":1,"row":null}`, rows: `1 {"line":1,"row":null}`},

		"empty":           {file: "\n", line: 1, text: "the file has no rows"},
		"an array":        {file: "[\n{}]", line: 1, text: "the file is a JSON array. Send one object per line: jq -c '.[]' FILE converts it."},
		"a valid array":   {file: "{}\n[]", rows: "1 {}", line: 2, text: "the file is a JSON array"},
		"over two lines":  {file: "{}\n{\n}\n", rows: "1 {}", line: 2, text: "the JSON object does not end on its line"},
		"two on one line": {file: "{} {}\n", line: 1, text: "the line is not valid JSON"},
		"odd blanks":      {file: "\u00a0\n", line: 1, text: "the line is not a JSON object"},
		"a text":          {file: "\n\"x\"\n", line: 2, text: "the line is not a JSON object"},
		"CSV":             {file: "email,locale\n", line: 1, text: "the line is not a JSON object. Send a CSV file as Content-Type: text/csv."},
		"broken":          {file: "{'email':1}\n", line: 1, text: "the line is not valid JSON"},
		"a long line":     {file: "{}\n{\"a\":\"" + strings.Repeat("x", 1<<20) + "\"}\n{}", rows: "1 {}", line: 2, text: "the line is longer than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) { e.check(t, importfile.NDJSON) })
	}
}

// TestEncodings: what is not UTF-8 text is rejected in both formats with the line
// and with what to do.
func TestEncodings(t *testing.T) {
	const excel = `Save the file as UTF-8: in Excel choose the type "CSV UTF-8", in LibreOffice the character set "Unicode (UTF-8)".`
	for name, e := range map[string]expect{
		"Latin-1":               {file: "\n\"M\xfcller\"", line: 2, text: "the text is not UTF-8. " + excel},
		"a cut character":       {file: "\n\n\xc3", line: 3, text: "the text is not UTF-8"},
		"UTF-16 LE":             {file: "\xff\xfee\x00m\x00", line: 1, text: "the text is UTF-16, not UTF-8. " + excel},
		"UTF-16 BE":             {file: "\xfe\xff\x00e\x00m", line: 1, text: "the text is UTF-16"},
		"UTF-16 without a mark": {file: "e\x00m\x00a\x00", line: 1, text: "the text is UTF-16"},
		"UTF-32":                {file: "\xff\xfe\x00\x00e\x00\x00\x00", line: 1, text: "the text is UTF-16"},
		"NUL":                   {file: "\nx\x00", line: 2, text: "there is a NUL character. " + excel},
		"xlsx":                  {file: "PK\x03\x04\x14\x00\x06\x00", line: 1, text: "this is a workbook (.xlsx, .ods or .numbers) or a ZIP archive, not text. Export the sheet as CSV UTF-8."},
		"xls":                   {file: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", line: 1, text: "this is an Excel workbook (.xls)"},
		"PDF":                   {file: "%PDF-1.7\n", line: 1, text: "this is a PDF document"},
		"gzip":                  {file: "\x1f\x8b\x08", line: 1, text: "the file is compressed"},
		"RTF":                   {file: `{\rtf1\ansi`, line: 1, text: "this is a word processor's document"},
		"HTML":                  {file: "\ufeff\r\n <!DOCTYPE html>", line: 1, text: "this is an HTML or XML document"},
		"XML":                   {file: `<?xml version="1.0"?><Workbook>`, line: 1, text: "this is an HTML or XML document"},
		"a table":               {file: `<TABLE><tr>`, line: 1, text: "this is an HTML or XML document"},
	} {
		t.Run(name, func(t *testing.T) {
			e.check(t, importfile.CSV)
			e.check(t, importfile.NDJSON)
		})
	}
}
