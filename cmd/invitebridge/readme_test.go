package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

// block is a ```sh block of a page.
type block struct {
	chapter string // the page and the heading above the block
	lines   []string
}

// guides returns the pages that show commands: first those whose commands are run
// here, in the order in which they depend on one another.
func guides(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md", "docs/api.md", "docs/cli.md", "docs/production.md"}
	found, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if page := "docs/" + filepath.Base(file); !slices.Contains(pages, page) {
			pages = append(pages, page)
		}
	}
	return pages
}

// readme returns the blocks of the pages in order.
func readme(t *testing.T, pages ...string) (blocks []block) {
	t.Helper()
	for _, page := range pages {
		text, err := os.ReadFile("../../" + page)
		if err != nil {
			t.Fatal(err)
		}
		heading, inside := "", ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line) // a block can be part of a list
			switch {
			case strings.HasPrefix(line, "```"):
				if inside = strings.TrimPrefix(line, "```"); inside == "sh" {
					blocks = append(blocks, block{chapter: page + ": " + heading})
				}
			case inside == "sh":
				last := &blocks[len(blocks)-1]
				last.lines = append(last.lines, line)
			case strings.HasPrefix(line, "#") && inside == "":
				heading = strings.TrimLeft(line, "# ")
			}
		}
	}
	return blocks
}

// ranElsewhere names what runs the other blocks, by chapter or by page.
var ranElsewhere = map[string]string{
	"README.md: With Docker":                  "the test of the stack, in config/stack",
	"docs/cli.md: Migrate":                    "testdata/postgres/migrate.txtar",
	"docs/cli.md: Move to PostgreSQL":         "testdata/postgres/store-copy.txtar",
	"docs/inviters.md":                        "TestMineGuide",
	"docs/kubernetes.md: Installation":        "the test of the chart, in docs/helm/test",
	"docs/performance.md: Performance":        "make bench, by hand: it measures",
	"docs/postgresql.md: On one machine":      "the test of the stack, in config/stack",
	"docs/production.md: A file that shrinks": "the test of the packages, in config/release",
	"docs/reliability.md":                     "the make targets and long test runs, by hand",
	"docs/support.md: Kratos":                 "by hand, with the binary of another version",
	"docs/ways-in.md: The API":                "TestWaysIn_api, which sends the same",
	"docs/webhooks.md: Answers and retries":   "testdata/script/messages.txtar",
	"docs/webhooks.md: Disabled endpoints":    "testdata/script/endpoints.txtar",
}

// TestReadme follows the README and the guides: every block is run unchanged, or
// by the check named in ranElsewhere.
func TestReadme(t *testing.T) {
	n := newReader(t)
	for i, b := range readme(t, guides(t)...) {
		t.Run(fmt.Sprintf("%d %s", i, b.chapter), func(t *testing.T) {
			n.t = t
			page, _, _ := strings.Cut(b.chapter, ":")
			where := cmp.Or(ranElsewhere[b.chapter], ranElsewhere[page])
			follow, ok := chapters[b.chapter]
			switch {
			case ok:
				follow(n, b.lines)
			case where != "":
				t.Log("run by " + where)
			default:
				t.Error("nothing runs this block")
			}
		})
	}
}

// chapters maps the blocks that are run here to what runs them.
var chapters = map[string]func(*reader, []string){
	"README.md: Without Docker":                                           (*reader).demo,
	"README.md: In front of the Kratos you run":                           (*reader).install,
	"docs/api.md: Inviting":                                               func(n *reader, lines []string) { n.prints(lines, `"invitation_link"`) },
	"docs/api.md: Imports":                                                func(n *reader, lines []string) { n.prints(lines, `"error_id":"email_invalid"`) },
	"docs/api.md: Accepting":                                              func(n *reader, lines []string) { n.prints(lines, `"state":"accepted"`) },
	"docs/api.md: OpenAPI":                                                func(n *reader, lines []string) { n.prints(lines, `"openapi": "3.1`) },
	"docs/cli.md: Invitations and messages":                               func(n *reader, lines []string) { n.prints(lines, "lin@example.com") },
	"docs/cli.md: Doctor":                                                 func(n *reader, lines []string) { n.prints(lines, "ok       identities") },
	"docs/cli.md: Imports":                                                (*reader).imports,
	"docs/cli.md: Rows that failed":                                       func(n *reader, lines []string) { n.prints(lines, "lin@example.com") },
	"docs/cli.md: Cancel":                                                 func(n *reader, lines []string) { n.prints(lines, "mary@example.com") },
	"docs/production.md: Backup and restore":                              (*reader).backup,
	"docs/imports.md: Pause, resume, cancel":                              (*reader).cancels,
	"docs/imports.md: From a spreadsheet to the last accepted invitation": (*reader).spreadsheet,
}

// backup runs the command with a directory of the test.
func (n *reader) backup(lines []string) {
	const shown = "/backup/"
	if len(lines) != 1 || !strings.Contains(lines[0], shown) {
		n.t.Fatalf("%q", lines)
	}
	n.types(strings.Replace(lines[0], shown, n.dir+"/", 1))
	if copies, err := filepath.Glob(filepath.Join(n.dir, "invites-*.db")); err != nil || len(copies) != 1 {
		n.t.Errorf("%q, %v", copies, err)
	}
}

// demo follows the instructions that the demo prints, up to the page that shows
// who is signed in, with a password and with a passkey.
func (n *reader) demo(lines []string) {
	const pages, email, another = "http://localhost:4455", "you@example.com", "you.too@example.com"
	said, stop := n.starts(lines[0], "Ctrl-C stops everything.")
	defer stop()
	_, said, _ = strings.Cut(said, "== Your turn")
	commands := regexp.MustCompile(`(?m)^(export KEY=|curl ).*$`).FindAllString(said, -1)
	if len(commands) != 2 || !strings.Contains(said, pages+" says who is signed in") {
		n.t.Fatalf("it says %q", said)
	}
	n.prints(commands, `"state":"pending"`)
	tab := pagetest.Open(n.t, pagetest.Options{})
	tab.Visit(n.mailed(email))
	tab.Fill(passwordField, password)
	tab.Click(submitButton)
	tab.See("Your password is set")
	tab.Click("main a.button")
	tab.At(pages + "/login?flow=")
	tab.Fill("form:has([name=password]) [name=identifier]", email)
	tab.Fill("[name=password]", password)
	tab.Click("button[name=method][value=password]")
	tab.See("You are signed in as " + email)

	commands[1] = strings.Replace(commands[1], email, another, 1)
	n.prints(commands, `"state":"pending"`)
	tab = pagetest.Open(n.t, pagetest.Options{})
	tab.AddAuthenticator()
	tab.Visit(n.mailed(another))
	tab.Click(kratosButton)
	tab.At(pages + "/settings?flow=")
	tab.Click("button[name=passkey_register_trigger]")
	tab.At(pages + "/sessions")
	tab.See("You are signed in as " + another)
}

// mailed returns the link in an email that the demo has printed.
func (n *reader) mailed(email string) (link string) {
	n.t.Helper()
	eventually(n.t, func() bool {
		text, err := os.ReadFile(filepath.Join(n.dir, "said"))
		_, mail, _ := strings.Cut(string(text), "To: <"+email+">")
		link = regexp.MustCompile(`http://\S+/invite/[A-Za-z0-9_-]{22}\b`).FindString(mail)
		return err != nil || link != ""
	})
	return link
}

// install starts Kratos where the README expects it; it keeps running for the
// chapters that follow.
func (n *reader) install(lines []string) {
	switch {
	case strings.HasPrefix(lines[0], "make build"):
		kratos, err := kratostest.Start(n.t.Context(), kratostest.Options{PublicPort: 4433, AdminPort: 4434})
		if err != nil {
			n.t.Fatal(err)
		}
		n.book.Cleanup(func() { _ = kratos.Stop() })
		n.types(lines...)
	case strings.HasPrefix(lines[0], "invitebridge config check"):
		n.serves(lines)
	default:
		n.stop()
		_, stop := n.starts(lines[0], `"listener":"admin"`)
		stop()
		n.serves([]string{"invitebridge serve -c invitebridge.yml > invitebridge.log 2>&1 &"})
	}
}

// serves runs lines of which the last starts a bridge in the background.
func (n *reader) serves(lines []string) {
	n.t.Helper()
	said := strings.Fields(n.types(append(lines, "echo $!")...))
	pid, err := strconv.Atoi(said[len(said)-1])
	if err != nil {
		n.t.Fatal(err)
	}
	gone := func() bool { // not by its pid, which only init can reap
		c, err := net.Dial("tcp", "127.0.0.1:4489")
		if err == nil {
			c.Close()
		}
		return err != nil
	}
	n.stop = sync.OnceFunc(func() { _ = syscall.Kill(pid, syscall.SIGTERM); eventually(n.book, gone) })
	n.book.Cleanup(n.stop)
	eventually(n.t, func() bool {
		text, err := os.ReadFile(filepath.Join(n.dir, "invitebridge.log"))
		return err != nil || strings.Contains(string(text), `"listener":"admin"`)
	})
}

func (n *reader) prints(lines []string, want string) {
	n.t.Helper()
	if got := n.types(lines...); !strings.Contains(got, want) {
		n.t.Errorf("%s\ndoes not print %s:\n%s", strings.Join(lines, "\n"), want, got)
	}
}

// TestReadmeNoStack: if the stack does not start, the README's commands for Docker
// end with an error and create no invitation.
func TestReadmeNoStack(t *testing.T) {
	bin := t.TempDir()
	for _, program := range []string{"docker", "sleep", "curl"} {
		script := "#!/bin/sh\necho " + program + " >> " + bin + "/called\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	blocks := readme(t, "README.md")
	at := slices.IndexFunc(blocks, func(b block) bool { return b.chapter == "README.md: With Docker" })
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(blocks[at].lines, "\n"))
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	called, _ := os.ReadFile(bin + "/called")
	if err == nil || !strings.Contains(string(out), "The stack did not start") || bytes.Contains(called, []byte("curl")) {
		t.Errorf("%v\n%s\n%s", err, out, called)
	}
}
