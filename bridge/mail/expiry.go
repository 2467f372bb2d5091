package mail

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"text/template"
	"time"

	"invitebridge/bridge"
)

// ExpiryData is the data of email.expiry.gotmpl: the time at which an
// invitation expires, in numbers. The template defines "in" (in 2 days) and "on"
// (on Tuesday, 5 March 2030, 14:00 UTC), so that each language brings its own
// words and plurals.
type ExpiryData struct {
	Count   int    // number of Units left, rounded down, at least 1
	Unit    string // "minute" below two hours, "hour" below two days, else "day"
	Weekday time.Weekday
	Day     int
	Month   time.Month
	Year    int
	Clock   string // 14:00
	Zone    string // of Clock and the date: UTC, UTC+1, UTC-3:30
}

func expiryData(expiresAt, now time.Time, timeZone string) ExpiryData {
	at, zone := bridge.LocalTime(expiresAt, timeZone)
	m := ExpiryData{
		Zone:    zone,
		Weekday: at.Weekday(), Day: at.Day(), Month: at.Month(), Year: at.Year(), Clock: at.Format("15:04"),
	}
	// Rounded to the minute first: an email is sent a moment after its
	// invitation was created, and two days must not become one.
	left := expiresAt.Sub(now).Round(time.Minute)
	switch {
	case left >= 48*time.Hour:
		m.Count, m.Unit = int(left/(24*time.Hour)), "day"
	case left >= 2*time.Hour:
		m.Count, m.Unit = int(left/time.Hour), "hour"
	default:
		m.Count, m.Unit = max(1, int(left/time.Minute)), "minute"
	}
	return m
}

// formatExpiry executes one definition of an expiry template.
func formatExpiry(t *template.Template, definition string, m ExpiryData) (string, error) {
	var words bytes.Buffer
	if err := t.ExecuteTemplate(&words, definition, m); err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(words.String()), " "), nil
}

// pick is the template function that returns the word at an index, counted from
// 0: {{pick .Weekday "So" "Mo" …}}.
func pick(index reflect.Value, words ...string) (string, error) {
	if !index.CanInt() || index.Int() < 0 || index.Int() >= int64(len(words)) {
		return "", fmt.Errorf("pick: index out of range for %d words", len(words))
	}
	return words[index.Int()], nil
}
