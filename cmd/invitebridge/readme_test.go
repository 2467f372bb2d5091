package main

import (
	"bytes"
	"context"
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
	"time"

	"invitebridge/bridge/page/pagetest"
	"invitebridge/kratos/kratostest"
)

// block is one ```sh block of the README.
type block struct {
	heading string
	lines   []string
}

// readme gives the blocks, in their order.
func readme(t *testing.T) (blocks []block) {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	heading, inside := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if inside = strings.TrimPrefix(line, "```"); inside == "sh" {
				blocks = append(blocks, block{heading: heading})
			}
		case inside == "sh":
			last := &blocks[len(blocks)-1]
			last.lines = append(last.lines, line)
		case strings.HasPrefix(line, "#") && inside == "":
			heading = strings.TrimLeft(line, "# ")
		}
	}
	return blocks
}

// elsewhere are the blocks that other checks run.
var elsewhere = map[string]string{
	"With Docker": "the test of the stack, in config/stack",
	"Work on it":  ".ci/run",
}

// newcomer types what the README says into one shell after another, in a copy of
// the source, with the variables that were exported before.
type newcomer struct {
	t    *testing.T // of the chapter
	book *testing.T // of them all
	dir  string
	stop func() // ends the bridge
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	n := &newcomer{t: t, book: t, dir: t.TempDir(), stop: func() {}}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", `cd ../.. && git ls-files -co --exclude-standard -z | tar -c --null -T - | tar -x -C "$0"`, n.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n.write("variables", "export PATH='"+os.Getenv("PATH")+"'\n")
	return n
}

func (n *newcomer) write(name, text string) {
	n.t.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// All variables stay, as in one shell.
const prelude = "set -aeuo pipefail\ncd '%[1]s'\n. ./variables\n%[2]s\nexport -p > variables\n"

// types runs lines, and gives what they print.
func (n *newcomer) types(lines ...string) string {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", fmt.Sprintf(prelude, n.dir, strings.Join(lines, "\n")))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		n.t.Fatalf("%s\n%v\n%s%s", strings.Join(lines, "\n"), err, out, stderr.Bytes())
	}
	return string(out)
}

// starts runs a line that does not end by itself, until it has printed what is
// looked for. stop ends it as Ctrl-C does.
func (n *newcomer) starts(line, until string) (said string, stop func()) {
	n.t.Helper()
	cmd := exec.Command("bash", "-c", fmt.Sprintf(prelude, n.dir, "exec "+line))
	out, err := os.Create(filepath.Join(n.dir, "said"))
	if err != nil {
		n.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = sync.OnceFunc(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); <-ended })
	n.book.Cleanup(stop)
	eventually(n.t, func() bool {
		text, err := os.ReadFile(out.Name())
		if said = string(text); err != nil || strings.Contains(said, until) {
			return true
		}
		select {
		case <-ended:
			n.t.Fatalf("%s has ended:\n%s", line, said)
		default:
		}
		return false
	})
	return said, stop
}

// TestReadme follows the README as a newcomer: every command of every block is
// typed as it stands, or is run by the check that elsewhere names.
func TestReadme(t *testing.T) {
	n := newNewcomer(t)
	for i, b := range readme(t) {
		t.Run(fmt.Sprintf("%d %s", i, b.heading), func(t *testing.T) {
			n.t = t
			where, ok := elsewhere[b.heading]
			follow, mine := chapters[b.heading]
			switch {
			case mine:
				follow(n, b.lines)
			case ok:
				t.Log("run by " + where)
			default:
				t.Error("nobody runs this block")
			}
		})
	}
}

// chapters say what stands between the lines of a block for people to do.
var chapters = map[string]func(*newcomer, []string){
	"Without Docker":                 (*newcomer).demo,
	"In front of the Kratos you run": (*newcomer).install,
	"Invite, as an inviter":          func(n *newcomer, lines []string) { n.prints(lines, `"invitation_link"`) },
	"Accept, as an invitee":          func(n *newcomer, lines []string) { n.prints(lines, `"state":"accepted"`) },
	"OpenAPI":                        func(n *newcomer, lines []string) { n.prints(lines, `"openapi": "3.1`) },
	"The command line":               func(n *newcomer, lines []string) { n.prints(lines, "lin@example.com") },
	"Is all well?":                   func(n *newcomer, lines []string) { n.prints(lines, "ok       identities") },
}

// demo goes on as the demo itself says, to the page that says who is signed in.
func (n *newcomer) demo(lines []string) {
	const email = "you@example.com"
	said, stop := n.starts(lines[0], "Ctrl-C stops everything.")
	defer stop()
	_, said, _ = strings.Cut(said, "== Your turn")
	commands := regexp.MustCompile(`(?m)^(export KEY=|curl ).*$`).FindAllString(said, -1)
	if len(commands) != 2 || !strings.Contains(said, "http://127.0.0.1:4455 says who is signed in") {
		n.t.Fatalf("it says %q", said)
	}
	n.prints(commands, `"state":"pending"`)
	tab := pagetest.Open(n.t, pagetest.Options{})
	tab.Visit(n.mailed(email))
	tab.Fill(passwordField, password)
	tab.Click(submitButton)
	tab.See("Your password is set")
	tab.Click("main a.button")
	tab.At("http://127.0.0.1:4455/login?flow=")
	tab.Fill("[name=identifier]", email)
	tab.Fill("[name=password]", password)
	tab.Click("button[name=method][value=password]")
	tab.See("You are signed in as " + email)
}

// mailed gives the link of a mail that the demo has printed.
func (n *newcomer) mailed(email string) (link string) {
	n.t.Helper()
	eventually(n.t, func() bool {
		text, err := os.ReadFile(filepath.Join(n.dir, "said"))
		_, mail, _ := strings.Cut(string(text), "To: <"+email+">")
		link = regexp.MustCompile(`http://\S+/invite/[A-Za-z0-9_-]{22}\b`).FindString(mail)
		return err != nil || link != ""
	})
	return link
}

// install has Kratos run where the README expects it, for the chapters that
// follow too.
func (n *newcomer) install(lines []string) {
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

// serves types lines of which the last leaves a bridge in the background.
func (n *newcomer) serves(lines []string) {
	n.t.Helper()
	said := strings.Fields(n.types(append(lines, "echo $!")...))
	pid, err := strconv.Atoi(said[len(said)-1])
	if err != nil {
		n.t.Fatal(err)
	}
	gone := func() bool { // not by its id: who reaps it is init
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

func (n *newcomer) prints(lines []string, want string) {
	n.t.Helper()
	if got := n.types(lines...); !strings.Contains(got, want) {
		n.t.Errorf("%s\nprints no %s:\n%s", strings.Join(lines, "\n"), want, got)
	}
}

// TestReadmeNoStack: what the README says for Docker ends with an error where the
// stack did not start, and invites nobody.
func TestReadmeNoStack(t *testing.T) {
	bin := t.TempDir()
	for _, program := range []string{"docker", "sleep", "curl"} {
		script := "#!/bin/sh\necho " + program + " >> " + bin + "/called\n"
		if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	at := slices.IndexFunc(readme(t), func(b block) bool { return b.heading == "With Docker" })
	cmd := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(readme(t)[at].lines, "\n"))
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	called, _ := os.ReadFile(bin + "/called")
	if err == nil || !strings.Contains(string(out), "The stack did not start") || bytes.Contains(called, []byte("curl")) {
		t.Errorf("%v\n%s\n%s", err, out, called)
	}
}
