package main

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// TestZoneCheck: only a difference like that of time zones, in an identity that
// was never used, causes a warning.
func TestZoneCheck(t *testing.T) {
	made := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		ahead  time.Duration
		change func(*kratos.MarkedIdentity)
		want   time.Duration // 0: no warning
	}{
		"in UTC":                   {ahead: -20 * time.Millisecond},
		"in UTC, of a large batch": {ahead: -2 * time.Second},
		"in Tokyo":                 {ahead: 9*time.Hour - 20*time.Millisecond, want: 9 * time.Hour},
		"in New York":              {ahead: -5*time.Hour - 20*time.Millisecond, want: -5 * time.Hour},
		"in Kathmandu":             {ahead: 5*time.Hour + 45*time.Minute - time.Second, want: 5*time.Hour + 45*time.Minute},
		"used after some time":     {ahead: 100 * time.Minute},
		"used after full hours":    {ahead: 9*time.Hour + time.Second},
		"used after a day":         {ahead: 24*time.Hour - time.Second},
		"not shown":                {ahead: 9 * time.Hour, change: func(m *kratos.MarkedIdentity) { m.StateChangedAt = time.Time{} }},
		"active":                   {ahead: 9 * time.Hour, change: func(m *kratos.MarkedIdentity) { m.Active = true }},
		"accepted":                 {ahead: 9 * time.Hour, change: func(m *kratos.MarkedIdentity) { m.Mark.AcceptedAt = made }},
		"adopted":                  {ahead: 9 * time.Hour, change: func(m *kratos.MarkedIdentity) { m.Mark.Origin = bridge.OriginAdopted }},
		"older than never_used_since": {ahead: 9 * time.Hour, change: func(m *kratos.MarkedIdentity) {
			m.CreatedAt, m.StateChangedAt = m.CreatedAt.Add(-48*time.Hour), m.StateChangedAt.Add(-48*time.Hour)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := kratos.MarkedIdentity{Identity: bridge.Identity{
				CreatedAt: made, StateChangedAt: made.Add(c.ahead), Mark: bridge.Mark{InvitationID: uuid.New(), Origin: bridge.OriginCreated},
			}}
			if c.change != nil {
				c.change(&m)
			}
			z := zoneCheck{since: made.Add(-24 * time.Hour)}
			if z.add(m); z.offset != c.want || (z.shifted > 0) != (c.want != 0) {
				t.Errorf("%d shifted, by %s", z.shifted, z.offset)
			}
		})
	}
}
