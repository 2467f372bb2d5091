package bridge

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestJudge has a row for each thing that decides whose an identity is.
func TestJudge(t *testing.T) {
	made := time.Date(2030, 1, 2, 3, 4, 5, 123_456_789, time.UTC)
	ours, other := uuid.New(), uuid.New()
	tokyo := time.FixedZone("", 9*3600)
	password, oidc := Credential{Type: "password"}, Credential{Type: "oidc", Identifiers: []string{"idp:1"}}
	totp, passkey := Credential{Type: "totp"}, Credential{Type: "passkey", Fixed: true}
	unchanged := func(q *question) { q.baseline = &Baseline{StateChangedAt: made.Add(-time.Millisecond)} }
	never := func(q *question) { q.baseline = nil }
	type change = func(*Identity, *question)
	with := func(cs ...Credential) change { return func(i *Identity, _ *question) { i.Credentials = cs } }
	had := func(cs ...Credential) change { return func(_ *Identity, q *question) { q.baseline.Credentials = cs } }
	moved := func(d time.Duration) change {
		return func(i *Identity, _ *question) { i.StateChangedAt = i.StateChangedAt.Add(d) }
	}
	all := func(changes ...change) change {
		return func(i *Identity, q *question) {
			for _, c := range changes {
				c(i, q)
			}
		}
	}
	mark := func(id uuid.UUID, accepted time.Time, origin Origin) change {
		return func(i *Identity, _ *question) { i.Mark = Mark{InvitationID: id, AcceptedAt: accepted, Origin: origin} }
	}
	active := func(i *Identity, _ *question) { i.Active = true }
	existing := func(_ *Identity, q *question) { q.existing = true }
	address := func(i *Identity, _ *question) { i.Addresses = []string{"other@example.com"} }
	reactivate := func(_ *Identity, q *question) { q.existing, q.reactivate, q.baseline = true, true, nil }
	for name, row := range map[string]struct {
		ask    func(*question)
		change change
		want   verdict
	}{
		"as it was created":            {unchanged, all(), verdictFree},
		"gone":                         {unchanged, func(i *Identity, _ *question) { *i = Identity{} }, verdictGone},
		"activated by this invitation": {unchanged, all(active, mark(ours, made, "")), verdictAccepted},
		"activated by this invitation, then deactivated": {unchanged, all(moved(time.Hour), mark(ours, made, "")), verdictAccepted},
		"activated by another invitation":                {unchanged, all(active, mark(other, made, "")), verdictActive},
		"activated elsewhere":                            {unchanged, active, verdictActive},
		"activated and deactivated":                      {unchanged, moved(time.Hour), verdictUsed},
		"activated and deactivated at once":              {unchanged, moved(5 * time.Microsecond), verdictUsed},
		"its address changed":                            {unchanged, func(i *Identity, _ *question) { i.Email = "b@example.com" }, verdictAddressChanged},
		"its address is not shown":                       {unchanged, func(i *Identity, _ *question) { i.Email = "" }, verdictFree},
		"it has only another address":                    {unchanged, func(i *Identity, _ *question) { i.Email, i.Addresses = "", []string{"other@example.com"} }, verdictAddressChanged},
		"its address is one among others": {unchanged, func(i *Identity, q *question) {
			i.Email, i.Addresses = "", []string{"other@example.com", q.email}
		}, verdictFree},
		"microseconds are kept": {unchanged, func(i *Identity, _ *question) { i.StateChangedAt = i.StateChangedAt.Truncate(time.Microsecond) }, verdictFree},
		"seconds are kept":      {unchanged, func(i *Identity, _ *question) { i.StateChangedAt = i.StateChangedAt.Truncate(time.Second) }, verdictFree},
		"seconds are kept, and it was used": {unchanged, func(i *Identity, _ *question) {
			i.StateChangedAt = i.StateChangedAt.Truncate(time.Second).Add(2 * time.Second)
		}, verdictUsed},
		"the zone is dropped": {unchanged, func(i *Identity, q *question) {
			q.baseline.StateChangedAt = q.baseline.StateChangedAt.In(tokyo)
			i.StateChangedAt = i.StateChangedAt.Add(9 * time.Hour)
		}, verdictFree},
		"the zone is kept":              {unchanged, func(_ *Identity, q *question) { q.baseline.StateChangedAt = q.baseline.StateChangedAt.In(tokyo) }, verdictFree},
		"another zone, and it was used": {unchanged, moved(9 * time.Hour), verdictUsed},
		"the time is no longer shown":   {unchanged, func(i *Identity, _ *question) { i.StateChangedAt = time.Time{} }, verdictUsed},
		"the time is shown now":         {unchanged, func(_ *Identity, q *question) { q.baseline.StateChangedAt = time.Time{} }, verdictUsed},
		"the time was never shown": {unchanged, func(i *Identity, q *question) {
			i.StateChangedAt, q.baseline.StateChangedAt = time.Time{}, time.Time{}
		}, verdictFree},
		"a password was set":               {unchanged, with(password), verdictUsed},
		"a password set by our cleaning":   {unchanged, all(with(password), func(_ *Identity, q *question) { q.cleaned = true }), verdictFree},
		"a link added during our cleaning": {unchanged, all(with(password, oidc), func(_ *Identity, q *question) { q.cleaned = true }), verdictUsed},
		"the same credentials":             {unchanged, all(had(password, oidc), with(password, oidc)), verdictFree},
		"a credential was removed":         {unchanged, all(had(password, oidc), with(password)), verdictFree},
		"a link was removed":               {unchanged, all(had(Credential{Type: "oidc", Identifiers: []string{"idp:1", "idp:2"}}), with(oidc)), verdictFree},
		"a link was added":                 {unchanged, all(had(oidc), with(Credential{Type: "oidc", Identifiers: []string{"idp:1", "idp:2"}})), verdictUsed},
		"a second factor was added":        {unchanged, all(had(password), with(password, totp)), verdictUsed},

		"never used":                             {never, all(), verdictFree},
		"never used, with a password":            {never, with(password), verdictHasCredentials},
		"its state changed":                      {never, moved(time.Hour), verdictUsed},
		"it changed with the creation":           {never, func(i *Identity, _ *question) { i.StateChangedAt = i.CreatedAt }, verdictFree},
		"it changed a moment later":              {never, func(i *Identity, _ *question) { i.StateChangedAt = i.CreatedAt.Add(1) }, verdictUsed},
		"it changed a minute before":             {never, func(i *Identity, _ *question) { i.StateChangedAt = i.CreatedAt.Add(-time.Minute) }, verdictFree},
		"it changed more than that before":       {never, func(i *Identity, _ *question) { i.StateChangedAt = i.CreatedAt.Add(-time.Minute - 1) }, verdictUsed},
		"no time is shown":                       {never, func(i *Identity, _ *question) { i.StateChangedAt = time.Time{} }, verdictUsed},
		"no creation is shown":                   {never, func(i *Identity, _ *question) { i.CreatedAt = time.Time{} }, verdictUsed},
		"it has sessions":                        {never, func(_ *Identity, q *question) { q.sessions = true }, verdictUsed},
		"times are shifted":                      {never, func(_ *Identity, q *question) { q.shifted = true }, verdictUsed},
		"times were shifted before":              {never, func(_ *Identity, q *question) { q.shifted, q.since = true, made.Add(-time.Hour) }, verdictFree},
		"times were shifted when it was created": {never, func(_ *Identity, q *question) { q.since = made.Add(time.Hour) }, verdictUsed},

		"existing":                                {never, existing, verdictFree},
		"existing, with another address":          {never, all(existing, address), verdictUnconfirmedAddresses},
		"existing, with a confirmed address":      {never, all(existing, address, func(_ *Identity, q *question) { q.addresses = []string{"other@example.com"} }), verdictFree},
		"existing, any address accepted":          {never, all(existing, address, func(_ *Identity, q *question) { q.keepAddresses = true }), verdictFree},
		"created by us, with another address":     {unchanged, address, verdictFree},
		"existing, with a passkey":                {never, all(existing, with(passkey)), verdictNotRemovable},
		"to be reactivated, used":                 {never, all(reactivate, moved(time.Hour), with(password, oidc)), verdictFree},
		"to be reactivated, with a passkey":       {never, all(reactivate, with(passkey)), verdictNotRemovable},
		"to be reactivated, with another address": {never, all(reactivate, address), verdictUnconfirmedAddresses},
		"to be reactivated, active":               {never, all(reactivate, active), verdictActive},
		"reactivated, and used since":             {unchanged, all(existing, had(password), with(password), moved(time.Hour)), verdictUsed},

		"to be deleted, marked by us":      {unchanged, all(mark(ours, time.Time{}, ""), func(_ *Identity, q *question) { q.mustBeOwned = true }), verdictFree},
		"to be deleted, marked as created": {unchanged, all(mark(ours, time.Time{}, OriginCreated), func(_ *Identity, q *question) { q.mustBeOwned = true }), verdictFree},
		"to be deleted, marked as adopted": {unchanged, all(mark(ours, time.Time{}, OriginAdopted), func(_ *Identity, q *question) { q.mustBeOwned = true }), verdictNotOwned},
		"to be deleted, marked by another": {unchanged, all(mark(other, time.Time{}, ""), func(_ *Identity, q *question) { q.mustBeOwned = true }), verdictNotOwned},
		"to be deleted, unmarked":          {unchanged, func(_ *Identity, q *question) { q.mustBeOwned = true }, verdictNotOwned},
		"to be deleted, used meanwhile":    {unchanged, all(mark(ours, time.Time{}, ""), moved(time.Hour), func(_ *Identity, q *question) { q.mustBeOwned = true }), verdictUsed},
	} {
		t.Run(name, func(t *testing.T) {
			i := Identity{ID: uuid.New(), Email: "a@example.com", CreatedAt: made.Truncate(time.Microsecond), StateChangedAt: made.Add(-time.Millisecond)}
			q := question{invitation: ours, email: "a@example.com"}
			row.ask(&q)
			row.change(&i, &q)
			if got := judge(i, q); got != row.want {
				t.Errorf("verdict %d, want %d", got, row.want)
			}
		})
	}
}

// TestInstant: a lease ends for its holder when any clock says so, and for everyone
// else when all do.
func TestInstant(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	start := instant{wall: at, local: at}
	clocks := func(wall, run, local time.Duration) instant { return instant{at.Add(wall), run, at.Add(local)} }
	end := start.add(20 * time.Second)
	for name, row := range map[string]struct {
		now             instant
		passed, reached bool
		until, left     time.Duration
	}{
		"before":                              {start.add(5 * time.Second), false, false, 15 * time.Second, 15 * time.Second},
		"at the end":                          {end, true, true, 0, 0},
		"the wall clock jumped":               {clocks(time.Hour, 5*time.Second, time.Hour), true, false, 15 * time.Second, 20*time.Second - time.Hour},
		"the machine was stopped":             {clocks(time.Minute, 0, time.Minute), true, false, 20 * time.Second, -40 * time.Second},
		"… and the wall clock is not its own": {clocks(0, 0, time.Minute), true, false, 20 * time.Second, -40 * time.Second},
		"the wall clock went back":            {clocks(-time.Hour, 25*time.Second, -time.Hour), true, false, time.Hour + 20*time.Second, -5 * time.Second},
	} {
		got := []any{row.now.passed(end), row.now.reached(end), row.now.until(end), row.now.left(end)}
		if want := []any{row.passed, row.reached, row.until, row.left}; !slices.Equal(got, want) {
			t.Errorf("%s: passed, reached, until, left: %v, want %v", name, got, want)
		}
	}
}
