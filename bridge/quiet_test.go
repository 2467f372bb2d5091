package bridge_test

import (
	"testing"
	"time"
	_ "time/tzdata"

	"invitebridge/bridge"
)

func quietHours(t *testing.T, text string) bridge.QuietHours {
	t.Helper()
	q, err := bridge.ParseQuietHours(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestQuietHours: the end of the quiet hours, given a moment within them.
func TestQuietHours(t *testing.T) {
	const night, noon, shortNight = "22:00-07:00 Europe/Berlin", "12:00-13:30 Europe/Berlin", "22:00-02:30 Europe/Berlin"
	for _, c := range []struct {
		name, hours, at, end string // no end: not quiet
	}{
		{"before", night, "2026-01-10T21:59:59.999999+01:00", ""},
		{"first moment", night, "2026-01-10T22:00:00+01:00", "2026-01-11T07:00:00+01:00"},
		{"before midnight", night, "2026-01-10T23:59:59+01:00", "2026-01-11T07:00:00+01:00"},
		{"after midnight", night, "2026-01-11T00:00:00+01:00", "2026-01-11T07:00:00+01:00"},
		{"last moment", night, "2026-01-11T06:59:59.999999+01:00", "2026-01-11T07:00:00+01:00"},
		{"end", night, "2026-01-11T07:00:00+01:00", ""},
		{"another zone", night, "2026-07-10T20:00:00Z", "2026-07-11T05:00:00Z"},
		{"within a day, before", noon, "2026-07-10T11:59:00+02:00", ""},
		{"within a day", noon, "2026-07-10T12:00:00+02:00", "2026-07-10T13:30:00+02:00"},
		{"within a day, end", noon, "2026-07-10T13:30:00+02:00", ""},
		{"within a day, midnight", noon, "2026-07-10T00:00:00+02:00", ""},
		{"until midnight", "18:00-00:00 Europe/Berlin", "2026-07-10T23:00:00+02:00", "2026-07-11T00:00:00+02:00"},
		{"the night that lacks an hour", night, "2026-03-28T22:00:00+01:00", "2026-03-29T07:00:00+02:00"},
		{"the night that has an additional hour", night, "2026-10-24T22:00:00+02:00", "2026-10-25T07:00:00+01:00"},
		{"the end does not exist", shortNight, "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		{"the end comes twice, first", shortNight, "2026-10-25T02:29:00+02:00", "2026-10-25T02:30:00+02:00"},
		{"the end comes twice, between", shortNight, "2026-10-25T02:45:00+02:00", ""},
		{"the end comes twice, second", shortNight, "2026-10-25T02:00:00+01:00", "2026-10-25T02:30:00+01:00"},
		{"the clock is set back to before the end", "01:00-03:00 Europe/Berlin", "2026-10-25T02:59:00+02:00", "2026-10-25T03:00:00+01:00"},
		{"the clock is set forward into them", "03:00-04:00 Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		{"the clock is set forward past them", "02:15-02:45 Europe/Berlin", "2026-03-29T01:00:00Z", ""},
		{"no offset ever changes", "22:00-07:00 UTC", "2026-03-28T23:00:00Z", "2026-03-29T07:00:00Z"},
		{"none", "", "2026-03-28T23:00:00Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			end, quiet := quietHours(t, c.hours).End(instantOf(t, c.at))
			if quiet != (c.end != "") {
				t.Fatalf("quiet: %t, until %v", quiet, end)
			}
			if quiet && (!end.Equal(instantOf(t, c.end)) || end.Location() != time.UTC) {
				t.Errorf("until %v, want %s", end, c.end)
			}
		})
	}
}

func instantOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestQuietHoursEndIsTheFirst: in the days around both changes of the clock, the
// end is the first minute that a clock on the wall shows outside the quiet hours.
func TestQuietHoursEndIsTheFirst(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, hours := range []string{"22:00-07:00", "22:00-02:30", "02:30-22:00", "01:00-03:00", "02:00-03:00", "03:00-02:00", "02:15-02:45", "00:00-23:59"} {
		q := quietHours(t, hours+" Europe/Berlin")
		from, to := hours[:5], hours[6:]
		isQuiet := func(at time.Time) bool {
			clock := at.In(berlin).Format("15:04")
			if from < to {
				return from <= clock && clock < to
			}
			return from <= clock || clock < to
		}
		for _, day := range []string{"2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"} {
			start := instantOf(t, day)
			for at := start; at.Before(start.Add(48 * time.Hour)); at = at.Add(5 * time.Minute) {
				want := at
				for isQuiet(want) {
					want = want.Add(time.Minute)
				}
				end, quiet := q.End(at)
				if quiet != isQuiet(at) || quiet && !end.Equal(want) {
					t.Fatalf("%s at %v: quiet %t until %v, want %v", hours, at.In(berlin), quiet, end.In(berlin), want.In(berlin))
				}
			}
		}
	}
}

func TestParseQuietHours(t *testing.T) {
	for _, text := range []string{
		"22:00-07:00", "22:00-07:00 ", "22-7 Europe/Berlin", "22:00 Europe/Berlin", "22:00-24:00 Europe/Berlin", "7:00-08:00 Europe/Berlin",
		"22:00-07:60 Europe/Berlin", "22:00-07:00 Europe/Atlantis", "22:00-07:00 Local", "22:00-07:00 ../etc/passwd", "22:00-07:00  UTC",
		"22:00-22:00 Europe/Berlin", "Europe/Berlin 22:00-07:00", "-22:00-07:00 UTC", " 22:00-07:00 UTC", "22:00:00-07:00 UTC",
	} {
		if q, err := bridge.ParseQuietHours(text); err == nil {
			t.Errorf("%q: got %+v", text, q)
		}
	}
	if q := quietHours(t, ""); q != (bridge.QuietHours{}) {
		t.Errorf("empty: got %+v", q)
	}
}
