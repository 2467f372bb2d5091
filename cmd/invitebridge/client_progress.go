package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"invitebridge/bridge"
)

// progress shows how far an import is: on a terminal in one line that changes,
// elsewhere in lines, every few seconds if something has changed. It is safe for
// concurrent use.
type progress struct {
	out   io.Writer        // nil: it shows nothing
	width func() int       // of the terminal in characters; 0: not a terminal
	now   func() time.Time // with the monotonic clock

	mu      sync.Mutex
	ended   bool
	begun   time.Time
	shownAt time.Time
	shown   string // the last line
	kind    string // of what was shown last
	drawn   int    // characters in the line that changes
	speed   speed
}

// Times of progress.
const (
	uploadGrace = 500 * time.Millisecond // a shorter upload is not shown
	redrawEvery = 100 * time.Millisecond
	linesEvery  = 5 * time.Second
)

// newProgress returns the progress of an import on stderr. With -q it shows nothing.
func (s *session) newProgress() *progress {
	p := &progress{now: time.Now, begun: time.Now(), width: func() int { return terminalWidth(s.io.err) }}
	if !s.quiet {
		p.out = s.io.err
	}
	if s.dumbTerminal {
		p.width = func() int { return 0 }
	}
	return p
}

// showUpload shows how much of a file has been sent. size is -1 if it is unknown.
func (p *progress) showUpload(name string, sent, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.begun) < uploadGrace || now.Sub(p.shownAt) < redrawEvery {
		return
	}
	text := "uploading " + printable(name) + ": " + mebibytes(sent)
	fraction := -1.0
	if size > 0 {
		text += " of " + mebibytes(size)
		fraction = float64(sent) / float64(size)
	}
	p.print("upload", fraction, "", text)
}

// show shows an import.
func (p *progress) show(v bridge.ImportView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	done := v.Rows - v.Waiting
	if betweenWaves(v, now) {
		p.speed = speed{} // that of the next wave begins then
	}
	p.speed.add(now, done)
	fraction := -1.0
	if v.Rows > 0 && v.State != bridge.ImportLoading {
		fraction = float64(done) / float64(v.Rows)
	}
	state := printable(string(v.State))
	p.print(state, fraction, state+": ", importStatus(v, p.speed.rate(), now)...)
}

// unavailable shows that the bridge did not respond.
func (p *progress) unavailable(v bridge.ImportView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print("unavailable", -1, "", "the bridge is unavailable, trying again", fmt.Sprintf("%s of %s rows", grouped(v.Rows-v.Waiting), grouped(v.Rows)))
}

// note prints a line that stays.
func (p *progress) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out == nil {
		return
	}
	p.clear()
	fmt.Fprintln(p.out, text)
}

// clear empties the line that changes.
func (p *progress) clear() {
	if p.drawn > 0 {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", p.drawn)+"\r")
	}
	p.drawn = 0
}

// end stops showing anything. It can be called again.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn > 0 {
		fmt.Fprintln(p.out)
	}
	p.ended, p.drawn = true, 0
}

// print shows parts, the most important first. Elsewhere than on a terminal, it prints a
// new line that begins with prefix, unless the last one had the same kind and is recent.
func (p *progress) print(kind string, fraction float64, prefix string, parts ...string) {
	if p.out == nil || p.ended {
		return
	}
	now := p.now()
	if width := p.width(); width > 0 {
		if prefix != "" && kind != string(bridge.ImportRunning) {
			parts = append([]string{kind}, parts...)
		}
		line := fitLine(width-1, fraction, parts) // a full line would wrap
		length := utf8.RuneCountInString(line)
		fmt.Fprint(p.out, "\r"+line+strings.Repeat(" ", max(0, p.drawn-length)))
		p.drawn, p.shownAt = length, now
		return
	}
	line := prefix + strings.Join(parts, ", ")
	if line == p.shown || kind == p.kind && now.Sub(p.shownAt) < linesEvery {
		return
	}
	fmt.Fprintln(p.out, line)
	p.shown, p.shownAt, p.kind = line, now, kind
}

// fitLine joins as many parts as fit, after a bar if there is room for one.
func fitLine(width int, fraction float64, parts []string) string {
	const minBar, maxBar, between = 10, 20, 2
	for len(parts) > 1 && lineLength(parts) > width {
		parts = parts[:len(parts)-1]
	}
	line := truncated(strings.Join(parts, "  "), width)
	room := width - utf8.RuneCountInString(line) - between - len("[]")
	if fraction < 0 || room < minBar {
		return line
	}
	bar := min(room, maxBar)
	full := min(int(fraction*float64(bar)), bar)
	return "[" + strings.Repeat("#", full) + strings.Repeat("-", bar-full) + "]  " + line
}

func lineLength(parts []string) int { return utf8.RuneCountInString(strings.Join(parts, "  ")) }

func truncated(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:max(0, length)])
	}
	return text
}
