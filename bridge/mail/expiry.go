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

// Moment is what email.expiry.gotmpl sees: when an invitation expires, in
// numbers. The template defines "in" (in 2 days) and "on" (on Tuesday, 5 March
// 2030, 14:00 UTC), so that a language brings its own words and plurals.
type Moment struct {
	Count   int    // of Units left, at least 1, rounded down
	Unit    string // "minute" below two hours, "hour" below two days, else "day"
	Weekday time.Weekday
	Day     int
	Month   time.Month
	Year    int
	Clock   string // 14:00
	Zone    string // of the time and the date: UTC, UTC+1, UTC-3:30
}

func momentOf(expiresAt, now time.Time, timeZone string) Moment {
	at, zone := bridge.LocalTime(expiresAt, timeZone)
	m := Moment{
		Zone:    zone,
		Weekday: at.Weekday(), Day: at.Day(), Month: at.Month(), Year: at.Year(), Clock: at.Format("15:04"),
	}
	// To the minute first: a letter leaves a moment after its invitation was
	// made, and two days shall not become one.
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

// inWords executes one definition of an expiry template.
func inWords(t *template.Template, definition string, m Moment) (string, error) {
	var words bytes.Buffer
	if err := t.ExecuteTemplate(&words, definition, m); err != nil {
		return "", err
	}
	return strings.Join(strings.Fields(words.String()), " "), nil
}

// pick gives the word at a place, counted from 0: {{pick .Weekday "So" "Mo" …}}.
func pick(place reflect.Value, words ...string) (string, error) {
	if !place.CanInt() || place.Int() < 0 || place.Int() >= int64(len(words)) {
		return "", fmt.Errorf("pick: no word at that place among %d", len(words))
	}
	return words[place.Int()], nil
}
