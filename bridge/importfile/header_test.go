package importfile_test

import (
	"fmt"
	"strings"
	"testing"

	"invitebridge/bridge/importfile"
)

// TestNames: which names a first line may have, and what its error says.
func TestNames(t *testing.T) {
	for names, want := range map[string]string{
		"email":          "",
		" EMAIL ,Locale": "",
		"email,traits.Name.FIRST,TRAITS.name.first":        "",
		"identity_id,Expires_In":                           "",
		"\u200bemail\u00a0":                                "",
		"email,traits.@id":                                 "",
		"email,traits:json":                                "",
		"email,NOTIFY:JSON,reminders:json":                 "",
		"email,traits.a,traits.b:json,metadata_admin:json": "",

		"locale":                            `Line 1: no column is named email. The first line must name the columns, such as: email,traits.name.first,traits.name.last`,
		"external_id":                       `no column is named email`,
		"E-Mail":                            `Line 1: the column "E-Mail" is unknown. Did you mean email?`,
		"emial":                             `Did you mean email?`,
		"Mail":                              `Did you mean email?`,
		"E-Mail-Adresse":                    `Did you mean email?`,
		"email,Inviter Name":                `the column "Inviter Name" is unknown. Did you mean inviter_name?`,
		"email,time zone":                   `Did you mean timezone?`,
		"email,lang":                        `Did you mean locale?`,
		"email,notfiy":                      `Did you mean notify?`,
		"email,name":                        `Did you mean traits.name, or traits.name.first and traits.name.last? A trait is named by its path in the identity schema.`,
		"email,First Name":                  `Did you mean traits.name.first? A trait`,
		"email,name.first":                  `the column "name.first" is unknown. Did you mean traits.name.first?`,
		"email,trait.a":                     `Did you mean traits.a?`,
		"email,meta-data-public.a":          `Did you mean metadata_public.a?`,
		"email.work":                        `Did you mean email?`,
		"email,Cost Center":                 `the column "Cost Center" is unknown. If it is a trait, name it by its path, such as traits.cost_center; otherwise remove the column.`,
		"E-Mail,Team":                       `Line 1: the columns "E-Mail" (email?), "Team" are unknown. Rename them, traits by their paths such as traits.name.first, or remove them.`,
		"email" + strings.Repeat(",AX", 14): `"AX", "AX", "AX", "AX" and 2 more are unknown`,
		"email,line:json":                   `the column "line:json" is unknown. Did you mean line?`,
		"email,row":                         `the cells of the column "row" must be JSON. Name it row:json.`,
		"email,Traits":                      `the cells of the column "Traits" must be JSON. Name it traits:json. Or name columns of texts by their paths, such as traits.team.`,
		"email,reminders":                   `must be JSON. Name it reminders:json.`,
		"email,traits.":                     `the name of the column "traits." is not a path such as traits.name.first.`,
		"email,traits..a":                   `is not a path`,
		"email,traits" + strings.Repeat(".a", 32): `is not a path`,
		"email,\"traits.a\nb\"":                   `contains a control character, such as a line break`,
		"email,email":                             `two columns are named "email".`,
		"email,EMAIL:json":                        `the columns "email" and "email:json" conflict: both set the same value. Remove one.`,
		"email,traits.a,traits.a":                 `two columns are named "traits.a".`,
		"email,traits.a,traits.a.b":               `the columns "traits.a" and "traits.a.b" conflict`,
		"email,traits.a.b,traits.a":               `the columns "traits.a.b" and "traits.a" conflict`,
		"email,traits:json,traits.a.b":            `the columns "traits:json" and "traits.a.b" conflict`,
		"email,traits.a.b,traits:json":            `the columns "traits.a.b" and "traits:json" conflict`,
		"row:json,ROW:json":                       `two columns are named "row:json".`,
		"email,reason,Reason":                     `two columns are named "reason".`,
		"ada@example.com,Ada":                     `there is an email address instead of the names of the columns. The first line must name the columns, such as: email,`,
		"Ada,\"Ada <ada@example.com>\"":           `there is an email address`,
		"\u00a0":                                  `no column is named email`,
		"email|locale":                            `columns must be separated by commas, semicolons or tabs.`,
		"{\"email\":\"ada@example.com\"}":         `Line 1: this is JSON, not CSV. Send one object per line, as Content-Type: application/x-ndjson.`,
		"[":                                       `this is JSON, not CSV`,
		"email\rada@example.com\r":                `lines must end with line feeds`,
		"email\rlocale\rde\r":                     `lines must end with line feeds`,
		"email" + paths(256):                      `there are more than 256 columns`,
		"email" + strings.Repeat(",", 512):        `the row has more than 512 cells`,
		"email" + strings.Repeat(",", 511):        ``,
		"email" + paths(255):                      ``,
		"email," + strings.Repeat("ü", 100):       `the column "` + strings.Repeat("ü", 60) + `…" is unknown`,
	} {
		t.Run(names[:min(40, len(names))], func(t *testing.T) {
			_, err := importfile.NewReader(strings.NewReader(names+"\n"), importfile.CSV)
			if want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if line, reason := invalid(t, err); line != 1 || !strings.Contains(reason, want) {
				t.Errorf("got  %s\nwant %s", reason, want)
			}
		})
	}
}

// paths returns the names of n columns, each after a comma.
func paths(n int) string {
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, ",traits.c%d", i)
	}
	return names.String()
}

// TestCarriageReturns: a file that ends its lines with carriage returns only, as one
// long line.
func TestCarriageReturns(t *testing.T) {
	_, err := importfile.NewReader(strings.NewReader("email\r"+strings.Repeat("ada@example.com\r", 1<<17)), importfile.CSV)
	if _, reason := invalid(t, err); !strings.Contains(reason, "lines must end with line feeds") {
		t.Error(reason)
	}
}
