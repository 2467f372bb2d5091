package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadInvitees: each line is an invitee with the traits in its columns, and
// every invalid line is reported.
func TestReadInvitees(t *testing.T) {
	for name, c := range map[string]struct{ file, common, want, problems string }{
		"emails only":     {file: "email\nada@example.com\n", want: "2 ada@example.com "},
		"traits":          {file: "name.first,email,name.last\nAda,ada@example.com,\"L, of\"\n,bob@example.com,\n", want: `2 ada@example.com {"name":{"first":"Ada","last":"L, of"}}|3 bob@example.com `},
		"BOM, spaces":     {file: "\ufeffemail , team\r\n ada@example.com , 7 \r\n\r\n", want: `2 ada@example.com {"team":"7"}`},
		"common":          {file: "email,name.first\na@example.com,Ada\nb@example.com,\n", common: `{"name":{"first":"?","last":"L"},"n":1}`, want: `2 a@example.com {"n":1,"name":{"first":"Ada","last":"L"}}|3 b@example.com {"n":1,"name":{"first":"?","last":"L"}}`},
		"lines in a cell": {file: "email,note\na@example.com,\"x\ny\"\nb@example.com,\n", want: `2 a@example.com {"note":"x\ny"}|4 b@example.com `},
		"empty":           {problems: "no column is named email"},
		"semicolons":      {file: "email;team\na@example.com;7\n", problems: "no column is named email; the first line must name the columns, separated by commas"},
		"no invitees":     {file: "email,team\n", problems: "no invitees below"},
		"twice":           {file: "email,team,team\na@example.com,1,2\n", problems: `two columns are named "team"`},
		"not a path":      {file: "email,name.\na@example.com,x\n", problems: `line 2: the column "name." is not the path`},
		"string, object":  {file: "email,name,name.first\na@example.com,x,y\n", problems: `needs an object at "name"`},
		"object, string":  {file: "email,name.first,name\na@example.com,x,y\n", problems: "would replace an object with a string"},
		"several":         {file: "email,team\n,1\na@example.com,1\n,2\n", problems: "line 2: the email is missing|line 4: the email is missing"},
		"numbers":         {file: "email\na@example.com\n", common: `{"big":12345678901234567890,"small":0.10}`, want: `2 a@example.com {"big":12345678901234567890,"small":0.10}`},
		"CR line ends":    {file: "email,team\ra@example.com,1\r", problems: `the column name "team\ra@example.com" has a control character`},
		"formulas":        {file: "email,note\na@example.com,\"=HYPERLINK(\"\"http://evil.example\"\")\"\n", want: `2 a@example.com {"note":"=HYPERLINK(\"http://evil.example\")"}`},
		"Latin-1":         {file: "email,name\na@example.com,M\xfcller\n", problems: "is not UTF-8 text; save it as CSV UTF-8"},
		"UTF-16":          {file: "\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00", problems: "is not UTF-8 text; save it as CSV UTF-8"},
		"UTF-16, no BOM":  {file: "e\x00m\x00a\x00i\x00l\x00\n\x00", problems: "is not UTF-8 text"},
		"NUL":             {file: "email,name\na@example.com,x\x00\n", problems: "is not UTF-8 text"},
		"address twice":   {file: "email,team\na@example.com,1\nb@example.com,1\n A@EXAMPLE.com ,2\n", problems: "line 4: A@EXAMPLE.com is already on line 2"},
		"an open quote":   {file: "email,team\na@example.com,\"1\nb@example.com,2\n", problems: `extraneous or missing`},
		"many columns":    {file: "email" + strings.Repeat(",", 300) + "\n", problems: "there are 301 columns"},
		"a deep column":   {file: "email," + strings.Repeat("a.", 1<<20) + "a\na@example.com,1\n", problems: `"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a." is not the path`},
		"huge":            {file: "email\n" + strings.Repeat("a@example.com\n", 16<<20/14+1), problems: "is larger than 16 MiB; split it"},
		"short":           {file: "email,team\na@example.com\n", problems: "line 2: wrong number of fields"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "people.csv")
			write(t, file, c.file)
			invitees, err := readInvitees(file, json.RawMessage(c.common))
			if c.problems != "" {
				for _, problem := range strings.Split(c.problems, "|") {
					if err == nil || !strings.Contains(err.Error(), problem) || !strings.Contains(err.Error(), file) {
						t.Errorf("got %v, want %q", err, problem)
					}
				}
				return
			}
			var got []string
			for _, one := range invitees {
				got = append(got, fmt.Sprintf("%d %s %s", one.line, one.email, one.traits))
			}
			if all := strings.Join(got, "|"); err != nil || all != c.want {
				t.Errorf("got  %s, %v\nwant %s", all, err, c.want)
			}
		})
	}
}

// TestReadInviteesManyProblems: the number of reported problems is limited.
func TestReadInviteesManyProblems(t *testing.T) {
	file := filepath.Join(t.TempDir(), "people.csv")
	write(t, file, "email,team\n"+strings.Repeat(",1\n", 1000))
	if _, err := readInvitees(file, nil); err == nil || strings.Count(err.Error(), "\n") != maxProblems-1 {
		t.Errorf("got %v", err)
	}
}
