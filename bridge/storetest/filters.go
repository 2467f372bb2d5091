package storetest

import (
	"iter"
	"slices"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// filters are the values by which lists are filtered: those of some invitations, and some
// that none has.
type filters struct {
	states   []bridge.State
	emails   []string
	inviters []string
	others   []bridge.InvitationQuery // with one of the filters that have few values
	cursors  []uuid.UUID
}

func (f *filters) note(inv bridge.Invitation) {
	f.states, f.emails, f.inviters = with(f.states, inv.State), with(f.emails, inv.Email), with(f.inviters, inv.InviterID)
	for _, q := range []bridge.InvitationQuery{{ImportID: inv.ImportID}, {CreatedBy: inv.CreatedBy}, {Origin: inv.Origin}, {Method: inv.Method}} {
		f.others = with(f.others, q)
	}
}

// with returns the list with a value, unless it is empty or there already.
func with[T comparable](list []T, value T) []T {
	var empty T
	if value == empty || slices.Contains(list, value) {
		return list
	}
	return append(list, value)
}

// combinations yields every combination of a state, an email and an inviter; each of the
// other filters with at most one of those; and each two of them with each state.
func (f *filters) combinations() iter.Seq[bridge.InvitationQuery] {
	others := append([]bridge.InvitationQuery{{}, {ImportID: uuid.Max}, {CreatedBy: bridge.ByKey("unknown")}}, f.others...)
	return func(yield func(bridge.InvitationQuery) bool) {
		for i, one := range others {
			for q := range f.with(one) {
				for _, q.Before = range f.cursors {
					if !yield(q) {
						return
					}
				}
			}
			for _, other := range others[i+1:] {
				q := both(one, other)
				for _, q.State = range append([]bridge.State{""}, f.states...) {
					if !yield(q) {
						return
					}
				}
			}
		}
	}
}

// with yields the combinations with one of the other filters.
func (f *filters) with(one bridge.InvitationQuery) iter.Seq[bridge.InvitationQuery] {
	return func(yield func(bridge.InvitationQuery) bool) {
		for _, state := range append([]bridge.State{""}, f.states...) {
			for _, email := range append([]string{""}, f.emails...) {
				for _, inviter := range append([]string{"", "unknown"}, f.inviters...) {
					q, set := one, 0
					for _, is := range []bool{state != "", email != "", inviter != ""} {
						if is {
							set++
						}
					}
					if q != (bridge.InvitationQuery{}) && set > 1 {
						continue
					}
					q.State, q.Email, q.InviterID = state, email, inviter
					if !yield(q) {
						return
					}
				}
			}
		}
	}
}

// both returns a query with the filters of two; of the same filter, that of the first.
func both(one, other bridge.InvitationQuery) bridge.InvitationQuery {
	if one.ImportID == uuid.Nil {
		one.ImportID = other.ImportID
	}
	if one.CreatedBy == (bridge.Creator{}) {
		one.CreatedBy = other.CreatedBy
	}
	if one.Origin == "" {
		one.Origin = other.Origin
	}
	if one.Method == "" {
		one.Method = other.Method
	}
	return one
}
