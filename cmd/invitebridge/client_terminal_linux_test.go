package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal. What is written to the terminal
// can be read from screen.
func openTerminal(t *testing.T, columns uint16) (terminal, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, screen
}

// TestProgressOnTerminal: on a terminal, progress is one line that changes and never
// wraps; stdout has only the result. With TERM=dumb, it is lines.
func TestProgressOnTerminal(t *testing.T) {
	b := startFakeBridge(t)
	for _, c := range []struct {
		columns uint16
		term    string
		want    string
	}{
		{60, "xterm", `\r\[#+\]  finished  100%  2 of 2 rows(  [0-9]+ rows/s)? *\r\n$`},
		{20, "xterm", `\rfinished  100% *\r\n$`},
		{0, "xterm", `\r\[#{20}\]  finished  100%  2 of 2 rows(  [0-9]+ rows/s)? *\r\n$`},
		{60, "dumb", `\r\nfinished: 100%, 2 of 2 rows(, [0-9]+ rows/s)?\r\n$`},
	} {
		terminal, screen := openTerminal(t, c.columns)
		var out bytes.Buffer
		code := run(t.Context(), []string{"import", "invitations", writePeople(t), "--follow", "-e", b.admin},
			append(clientEnv(b.admin), "TERM="+c.term), stdio{out: &out, err: terminal})
		_ = terminal.Close()
		shown, _ := io.ReadAll(screen) // ends with an error, as the terminal is closed
		if code != exitOK || !regexp.MustCompile(c.want).Match(shown) || strings.Contains(out.String(), "100%") || !strings.Contains(out.String(), "COUNTS") {
			t.Errorf("%d columns, %s: code %d, %q\n%s", c.columns, c.term, code, shown, &out)
		}
		if c.columns == 0 || c.term == "dumb" {
			continue
		}
		lines := strings.Split(string(shown), "\r\n")
		for _, line := range strings.Split(lines[len(lines)-2], "\r") {
			if len(line) >= int(c.columns) {
				t.Errorf("%d columns: %q wraps", c.columns, line)
			}
		}
	}
}
