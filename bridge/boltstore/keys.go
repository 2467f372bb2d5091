package boltstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"invitebridge/bridge"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
)

// The file, bucket by bucket. "|" joins parts of fixed width, so no two
// different things ever have the same key.
//
//	header
//	    "header"                       JSON of Header
//	probe
//	    "probe"                        filler that Ping writes
//	invitations
//	    id                             JSON of bridge.Invitation
//	    id | digest                    JSON of bridge.TokenRecord, for each of its tokens
//	tokens
//	    digest                         id
//	emails
//	    h(email) | "p" | h(schema)     id; the pending one
//	    h(email) | "e" | id            empty; those that have ended
//	identities
//	    identity | "p"                 id; the pending one
//	    identity | "e" | id            empty; those that have ended
//	states
//	    state | id                     empty
//	inviters
//	    h(inviter) | state | id        empty; only if there is an inviter
//	expiring
//	    time | id                      empty; ExpiresAt of the pending without claim
//	lapsing
//	    time | id                      empty; Claim.DueAt of the pending with claim
//	watched
//	    time | id                      empty; LookAt of those without claim
//	ended
//	    time | id                      empty; UpdatedAt of those not pending, unless their Leftover is due
//	messages
//	    mid                            JSON of bridge.Message
//	belonging
//	    id | mid                       empty; the messages of an invitation
//	outcomes
//	    outcome | mid                  empty; MessageState of each message
//	outbox
//	    h(endpoint) | time | mid       empty; Next of the queued
//
// The parts:
//
//	id      the 16 bytes of the invitation's UUIDv7, and so ordered by time
//	mid     likewise of the message's
//	identity the 16 bytes of the identity's UUID; no entry if it is zero
//	digest  the 32 bytes of bridge.Digest
//	h(x)    the first 16 bytes of SHA-256 of x: callers choose these texts, of
//	        any length, and bbolt's keys end at 32768 bytes
//	state   one byte, see stateCode
//	outcome one byte, see outcomeCode
//	time    8 bytes, big-endian: microseconds since 1970, offset so that times
//	        before then sort first
//
// Neighbours are deliberate: a page written for one entry is then written for
// its neighbour as well. The tokens of an invitation lie behind its own row,
// and the pending one of an e-mail beside those it had before. Keys that come
// in no order are short, since each update writes some page among all of them.
//
// The buckets that are walked backwards begin and end with a fence, see down.
// Those that are counted have the number of their entries in bbolt's sequence of
// the bucket: it lies in the page that names the bucket, which a change of the
// bucket writes anyway.
type bucket int

const (
	headerBucket bucket = iota
	probeBucket
	invitationsBucket
	tokensBucket
	emailsBucket
	identitiesBucket
	statesBucket
	invitersBucket
	expiringBucket
	lapsingBucket
	watchedBucket
	endedBucket
	messagesBucket
	belongingBucket
	outcomesBucket
	outboxBucket
)

const (
	hashSize = 16
	timeSize = 8
	idSize   = len(uuid.UUID{})

	pendingMark = 'p'
	endedMark   = 'e'
)

// layout has every bucket of a store.
var layout = [...]struct {
	name    string
	fenced  bool
	counted bool
	// fill is how full bbolt leaves a page that it splits. Where new entries
	// come at the end, half-full pages would never be filled up: 0.9 leaves
	// room for a row to grow. Where they come anywhere, a half is right.
	fill float64
	// since is the format that the bucket came with; 0: it was always there.
	since int
}{
	headerBucket:      {"header", false, false, bbolt.DefaultFillPercent, 0},
	probeBucket:       {"probe", false, false, bbolt.DefaultFillPercent, 0},
	invitationsBucket: {"invitations", true, false, 0.9, 0},
	tokensBucket:      {"tokens", false, false, bbolt.DefaultFillPercent, 0},
	emailsBucket:      {"emails", true, false, bbolt.DefaultFillPercent, 0},
	identitiesBucket:  {"identities", true, false, bbolt.DefaultFillPercent, 3},
	statesBucket:      {"states", true, false, 0.9, 0},
	invitersBucket:    {"inviters", true, false, bbolt.DefaultFillPercent, 0},
	expiringBucket:    {"expiring", false, true, 0.9, 0},
	lapsingBucket:     {"lapsing", false, true, bbolt.DefaultFillPercent, 0},
	watchedBucket:     {"watched", false, false, bbolt.DefaultFillPercent, 3},
	endedBucket:       {"ended", false, false, 0.9, 0},
	messagesBucket:    {"messages", true, false, 0.9, 0},
	belongingBucket:   {"belonging", true, false, 0.9, 0},
	outcomesBucket:    {"outcomes", true, false, 0.9, 0},
	outboxBucket:      {"outbox", false, true, bbolt.DefaultFillPercent, 0},
}

// in opens the bucket; nil if it is not there.
func (b bucket) in(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(layout[b].name)) }

// The fences are below and above every other key.
var (
	lowFence  = []byte{0}
	highFence = bytes.Repeat([]byte{0xff}, 64)
)

// stateCode gives a state's byte; 0 for what is no state.
func stateCode(s bridge.State) byte {
	switch s {
	case bridge.StatePending:
		return 'p'
	case bridge.StateAccepted:
		return 'a'
	case bridge.StateExpired:
		return 'e'
	case bridge.StateRevoked:
		return 'r'
	}
	return 0
}

func hash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:hashSize:hashSize]
}

func timeKey(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, timeSize+idSize), uint64(t.UnixMicro())^1<<63)
}

func tokenRowKey(id uuid.UUID, d bridge.Digest) []byte { return append(id[:], d[:]...) }

func emailPrefix(email string, mark byte) []byte { return append(hash(email), mark) }

func identityPrefix(identity uuid.UUID, mark byte) []byte { return append(identity[:], mark) }

func pendingKey(email, schemaID string) []byte {
	return append(emailPrefix(email, pendingMark), hash(schemaID)...)
}

func inviterPrefix(inviterID string, state bridge.State) []byte {
	return append(hash(inviterID), stateCode(state))
}

// entry is one index entry that an invitation has.
type entry struct {
	bucket     bucket
	key, value []byte
}

// entries derives every index entry from an invitation, and from it alone.
func entries(inv bridge.Invitation) []entry {
	none, id := []byte{}, inv.ID[:]
	list := []entry{{statesBucket, append([]byte{stateCode(inv.State)}, id...), none}}
	if inv.InviterID != "" {
		list = append(list, entry{invitersBucket, append(inviterPrefix(inv.InviterID, inv.State), id...), none})
	}
	if !inv.LookAt.IsZero() && inv.Claim == nil {
		list = append(list, entry{watchedBucket, append(timeKey(inv.LookAt), id...), none})
	}
	if inv.State != bridge.StatePending {
		list = append(list, entry{emailsBucket, append(emailPrefix(inv.Email, endedMark), id...), none})
		if inv.IdentityID != uuid.Nil {
			list = append(list, entry{identitiesBucket, append(identityPrefix(inv.IdentityID, endedMark), id...), none})
		}
		if inv.Leftover != bridge.LeftoverDue {
			list = append(list, entry{endedBucket, append(timeKey(inv.UpdatedAt), id...), none})
		}
		return list
	}
	list = append(list, entry{emailsBucket, pendingKey(inv.Email, inv.SchemaID), id})
	if inv.IdentityID != uuid.Nil {
		list = append(list, entry{identitiesBucket, identityPrefix(inv.IdentityID, pendingMark), id})
	}
	if inv.Claim != nil {
		return append(list, entry{lapsingBucket, append(timeKey(inv.Claim.DueAt()), id...), none})
	}
	return append(list, entry{expiringBucket, append(timeKey(inv.ExpiresAt), id...), none})
}
