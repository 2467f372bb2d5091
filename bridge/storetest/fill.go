package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
)

// Filled is an invitation that [Fill] stored, and its token.
type Filled struct {
	Invitation bridge.Invitation
	Token      bridge.Token
}

const (
	maxFilled  = 1000      // invitations that Fill returns
	fillCommit = 2000      // invitations in one commit
	fillSort   = 1_000_000 // addresses sorted at once; they bound the memory
	fillAge    = 24 * time.Hour
)

// Fill puts n pending invitations with an API token each into an empty store, as
// a thousand inviters make them in the day before now. They expire from one day
// to eight days after now. Fill returns at most a thousand of them, evenly spread
// by age, the oldest first. The same seed makes the same rows.
//
// Random keys would touch every page of an index in each commit. So what a store
// looks up at random is put in ascending order: identities, digests, and the
// SHA-256 of addresses. The digests are invented, except those of the tokens that
// are returned.
func Fill(ctx context.Context, store bridge.Store, n int, seed uint64, now time.Time) ([]Filled, error) {
	return FillBy(n, seed, now, func(list []bridge.Record) error { return store.Update(ctx, putRecords(list)) })
}

// FillBy is Fill for a store into which put brings records, each time those that
// follow the last ones in the order of their ids.
func FillBy(n int, seed uint64, now time.Time, put func([]bridge.Record) error) (list []Filled, err error) {
	f := filler{n: n, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), now: now.UTC().Truncate(time.Microsecond)}
	parts := uint64((n + fillSort - 1) / fillSort)
	for part := range parts {
		for chunk := range slices.Chunk(f.addresses(part, parts), fillCommit) {
			records := make([]bridge.Record, len(chunk))
			for i, address := range chunk {
				var token bridge.Token
				records[i], token = f.record(address.n)
				if token != (bridge.Token{}) {
					list = append(list, Filled{records[i].Invitation, token})
				}
			}
			if err := put(records); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

type filler struct {
	n, made int
	seed    uint64
	random  *rand.Rand
	now     time.Time
}

func putRecords(list []bridge.Record) func(bridge.Tx) error {
	return func(tx bridge.Tx) error {
		for _, r := range list {
			if err := tx.PutInvitation(r.Invitation); err != nil {
				return err
			}
			for _, k := range r.Tokens {
				if err := tx.PutToken(k.Digest, k.TokenRecord); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

type address struct {
	hash uint64
	n    int
}

// addresses returns the addresses whose hash is in one of several equal ranges,
// ordered by hash.
func (f *filler) addresses(part, parts uint64) (list []address) {
	for i := range f.n {
		sum := sha256.Sum256([]byte(f.email(i)))
		hash := binary.BigEndian.Uint64(sum[:])
		if in, _ := bits.Mul64(hash, parts); in == part {
			list = append(list, address{hash, i})
		}
	}
	slices.SortFunc(list, func(a, b address) int {
		if a.hash < b.hash {
			return -1
		}
		return 1
	})
	return list
}

func (f *filler) email(n int) string { return fmt.Sprintf("invitee-%d@fill-%d.example.com", n, f.seed) }

// record makes the next invitation, for the n-th address. Its token is zero if the
// digest is invented.
func (f *filler) record(n int) (r bridge.Record, token bridge.Token) {
	j := f.made
	f.made++
	at := f.now.Add(-fillAge / time.Duration(f.n) * time.Duration(f.n-1-j)).Truncate(time.Microsecond)
	lifespan := time.Duration(2+j%7) * fillAge
	inviter := j % 1000
	var identity uuid.UUID
	f.ascending(identity[:], j)
	identity[6], identity[8] = identity[6]&0x0f|0x40, identity[8]&0x3f|0x80 // a UUIDv4
	r.Invitation = bridge.Invitation{
		ID:         idAt(at, j),
		State:      bridge.StatePending,
		Email:      f.email(n),
		IdentityID: identity,
		Origin:     bridge.OriginCreated,
		Baseline: &bridge.Baseline{
			StateChangedAt: at.Add(-3 * time.Millisecond), Credentials: []bridge.Credential{{Type: "code"}, {Type: "password"}},
		},
		SchemaID:          "employee",
		InviterID:         fmt.Sprintf("0197a3c2-0000-7000-8000-%012d", inviter),
		InviterName:       fmt.Sprintf("Inviter %d of the Company", inviter),
		Locale:            "en",
		ReturnTo:          "https://app.example.com/welcome",
		Lifespan:          lifespan,
		Delivery:          bridge.DeliveryOff,
		CreatedAt:         at,
		UpdatedAt:         at,
		ExpiresAt:         at.Add(lifespan),
		InviteeNotifiedAt: at,
		HooksNotifiedAt:   at,
	}
	var digest bridge.Digest
	f.ascending(digest[:], j)
	if j%max(1, (f.n+maxFilled-1)/maxFilled) == 0 {
		var raw [16]byte
		f.fill(raw[:])
		token, _ = bridge.ParseToken(base64.RawURLEncoding.EncodeToString(raw[:]))
		digest = token.Digest()
	}
	record := bridge.TokenRecord{InvitationID: r.Invitation.ID, Channel: bridge.ChannelAPI}
	r.Tokens = []bridge.StoredToken{{Digest: digest, TokenRecord: record}}
	return r, token
}

func (f *filler) fill(key []byte) {
	for i := 0; i < len(key); i += 8 {
		binary.BigEndian.PutUint64(key[i:], f.random.Uint64())
	}
}

// ascending fills a key at random, except that its place among all keys is the
// j-th of n.
func (f *filler) ascending(key []byte, j int) {
	f.fill(key)
	place, _ := bits.Div64(uint64(j), 0, uint64(f.n))
	binary.BigEndian.PutUint64(key, place+uint64(f.random.Uint32()))
}
