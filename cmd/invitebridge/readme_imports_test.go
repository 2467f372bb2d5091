package main

import (
	"os"
	"regexp"
	"strings"
)

// imports runs the commands for imports with a file of two people, of whom one is
// invited already.
func (n *reader) imports(lines []string) {
	n.write("people.csv", "email\nlin@example.com\nmary@example.com\n")
	n.prints(lines[:2], "ALREADY PENDING  1")
	n.prints(lines[2:5], "INVITED          1")
	if got := n.types(lines[5:]...); strings.Contains(got, "@") {
		n.t.Errorf("rows failed:\n%s", got)
	}
}

// cancels cancels an import that has a second wave, and imports the rest.
func (n *reader) cancels(lines []string) {
	if !strings.HasPrefix(lines[0], "invitebridge cancel") {
		n.prints(lines, "INVITED          1")
		n.prints([]string{"invitebridge list invitations --email later@example.com"}, "pending")
		return
	}
	n.write("waves.csv", "email\nnow@example.com\nlater@example.com\n")
	n.types("IMPORT=$(invitebridge import invitations waves.csv --wave-size 1 --wave-every 24h -q)")
	n.prints(lines, "canceled")
	if got := n.types("invitebridge list invitations --import-id $IMPORT --all"); strings.Contains(got, "later@") {
		n.t.Errorf("the second wave was begun:\n%s", got)
	}
	if got := n.types("invitebridge list invitations --import-id $IMPORT --state pending -q"); got != "" {
		n.t.Errorf("pending after the revocation: %s", got)
	}
}

// spreadsheet takes each step with the table of the guide and one row that fails.
func (n *reader) spreadsheet(lines []string) {
	switch step := strings.Join(lines, "\n"); {
	case strings.Contains(step, "--dry-run"):
		guide, err := os.ReadFile("../../docs/imports.md")
		if err != nil {
			n.t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(guide), "```csv\n")
		table, _, _ = strings.Cut(table, "```")
		table = regexp.MustCompile(`(?m)^ +`).ReplaceAllString(table, "")
		n.write("users.csv", table+"without-an-at,Nobody,Grace\n")
		n.fails(lines, "list rows ")
		n.prints([]string{"invitebridge list rows $(invitebridge list imports -q | head -n 1) --result failed"}, "without-an-at")
		n.types("test ! -e users.failed.csv")
	case strings.Contains(step, "--wave-size"):
		n.fails(lines, "users.failed.csv")
		n.types("sed -i s/without-an-at/barbara@example.com/ users.failed.csv")
	case strings.Contains(step, "users.failed.csv"):
		n.prints(lines, "INVITED          1")
	default:
		n.prints(lines, "barbara@example.com")
	}
}

// fails expects the lines to end with exit code 1, and their output to have want.
func (n *reader) fails(lines []string, want string) {
	n.t.Helper()
	n.prints([]string{"{ " + strings.Join(lines, "\n") + "; } 2>&1 && exit 3 || [ $? = 1 ]"}, want)
}
