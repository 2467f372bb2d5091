package bridge

import (
	"fmt"
	"strings"
	"time"
)

// QuietHours is a daily period in which the bridge begins nothing by itself that
// sends email. It is defined by the wall clock of a time zone, so on days when the
// clock changes it may be longer or shorter. The zero value means that there are
// none. It is immutable.
type QuietHours struct {
	from, to time.Duration // since midnight on the wall clock; to is exclusive, and may be before from
	zone     *time.Location
}

// ParseQuietHours parses quiet hours such as "22:00-07:00 Europe/Berlin". An empty
// text means none.
func ParseQuietHours(text string) (QuietHours, error) {
	if text == "" {
		return QuietHours{}, nil
	}
	malformed := fmt.Errorf("expected quiet hours such as %q", "22:00-07:00 Europe/Berlin")
	period, zone, _ := strings.Cut(text, " ")
	from, to, _ := strings.Cut(period, "-")
	begin, beginErr := parseTimeOfDay(from)
	end, endErr := parseTimeOfDay(to)
	if beginErr != nil || endErr != nil || zone == "" {
		return QuietHours{}, malformed
	}
	if begin == end {
		return QuietHours{}, fmt.Errorf("quiet hours must not begin and end at the same time")
	}
	l, err := location(zone)
	if err != nil {
		return QuietHours{}, fmt.Errorf("%q is not an IANA time zone such as Europe/Berlin", zone)
	}
	return QuietHours{from: begin, to: end, zone: l}, nil
}

// parseTimeOfDay parses a time of day and returns the time since midnight.
func parseTimeOfDay(text string) (time.Duration, error) {
	t, err := time.Parse("15:04", text)
	if err == nil && len(text) != len("15:04") {
		err = fmt.Errorf("a time of day has two digits for the hour")
	}
	return timeOfDay(t), err
}

// timeOfDay returns the time of day that a clock in the zone of t shows.
func timeOfDay(t time.Time) time.Duration {
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute +
		time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

// End reports whether t is within the quiet hours, and returns the first moment
// after t that is not, in UTC. If t is not quiet, end is zero.
func (q QuietHours) End(t time.Time) (end time.Time, quiet bool) {
	if q.zone == nil || !q.contains(t) {
		return time.Time{}, false
	}
	// Within one offset from UTC, the wall clock advances steadily. When the offset
	// changes it may skip the end of the quiet hours, or show it twice.
	for {
		local := t.In(q.zone)
		end := t.Add((q.to - timeOfDay(local) + day) % day)
		_, change := local.ZoneBounds()
		if change.IsZero() || end.Before(change) {
			return end.UTC(), true
		}
		if t = change; !q.contains(t) {
			return t.UTC(), true
		}
	}
}

const day = 24 * time.Hour

func (q QuietHours) contains(t time.Time) bool {
	clock := timeOfDay(t.In(q.zone))
	if q.from < q.to {
		return q.from <= clock && clock < q.to
	}
	return q.from <= clock || clock < q.to
}
