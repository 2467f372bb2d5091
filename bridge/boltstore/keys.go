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

// The file, bucket by bucket. "|" joins parts of fixed width, so different
// things never share a key.
//
//	header
//	    "header"                       JSON of Header
//	probe
//	    "probe"                        filler written by Ping
//	invitations
//	    id                             JSON of bridge.Invitation
//	    id | digest                    JSON of bridge.TokenRecord, for each token
//	tokens
//	    digest                         id
//	emails
//	    h(email) | "p" | h(schema)     id; the pending invitation
//	    h(email) | "e" | id            empty; terminal invitations
//	identities
//	    identity | "p"                 id; the pending invitation
//	    identity | "e" | id            empty; terminal invitations
//	states
//	    state | id                     empty
//	inviters
//	    h(inviter) | state | id        empty; only if InviterID is set
//	creators
//	    state | h(creator) | id        empty; only if CreatedBy is set
//	origins
//	    h(origin) | state | id         empty; only if Origin is not the usual one
//	methods
//	    h(method) | id                 empty; only if Method is set
//	history
//	    id | entry                     JSON of bridge.HistoryEntry
//	expiring
//	    time | id                      empty; ExpiresAt of pending ones without claim
//	lapsing
//	    time | id                      empty; Claim.DueAt of pending ones with claim
//	watched
//	    time | id                      empty; CheckAt of those without claim
//	reminding
//	    time | id                      empty; RemindAt of pending ones without claim
//	ended
//	    time | id                      empty; UpdatedAt of terminal ones, unless Leftover is due
//	messages
//	    mid                            JSON of bridge.Message
//	belonging
//	    id | mid                       empty; the messages of an invitation
//	    import | mid                   empty; the messages of an import
//	outcomes
//	    outcome | mid                  empty; MessageState of each message
//	outbox
//	    h(endpoint) | time | mid       empty; NextAttemptAt of queued messages
//	imports
//	    import                         JSON of bridge.Import
//	imports_due
//	    time | import                  empty; DueAt, if it is set
//	import_rows
//	    import | index                 JSON of bridge.ImportRow
//	import_keys
//	    import | h(key)                line of the row; only if Key is set
//	import_results
//	    import | result | index        empty; only if Result is set
//	imported
//	    import | state | id            empty; only if ImportID is set
//	requests
//	    digest                         JSON of bridge.IdempotentRequest
//	requests_by_time
//	    time | digest                  empty; At of each request
//
// The parts:
//
//	id       the 16 bytes of the invitation's UUIDv7, and so ordered by time
//	mid      the same for the message
//	import   the same for the import, and entry for an entry of a history
//	identity the 16 bytes of the identity's UUID; no entry if it is zero
//	digest   the 32 bytes of bridge.Digest
//	index    8 bytes, big-endian; line the same
//	h(x)     the first 16 bytes of SHA-256 of x: callers choose these texts, of
//	         any length, and bbolt limits keys to 32768 bytes
//	state    one byte, see stateCode
//	outcome  one byte, see messageStateCode
//	result   one byte, see resultCode
//	time     8 bytes, big-endian: microseconds since 1970, offset so that earlier
//	         times sort first
//
// Adjacent keys are deliberate: entries on one page share its write. The tokens
// of an invitation follow its own row, and the pending invitation of an email
// address is beside the terminal ones. Keys in random order are short, since
// each update writes one page among all of theirs.
//
// Buckets that are walked backwards begin and end with a fence, see descend. A
// counted bucket keeps the number of its entries in its bbolt sequence: that
// lies in the page that names the bucket, which every change of the bucket
// writes anyway.
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
	messagesByOwnerBucket
	outcomesBucket
	outboxBucket
	importsBucket
	importsDueBucket
	importRowsBucket
	importKeysBucket
	importResultsBucket
	importedBucket
	requestsBucket
	requestsByTimeBucket
	remindingBucket
	creatorsBucket
	originsBucket
	methodsBucket
	historyBucket
)

const (
	hashSize = 16
	timeSize = 8
	idSize   = len(uuid.UUID{})
	numSize  = 8 // of an index or a line

	pendingMark = 'p'
	endedMark   = 'e'
)

// layout describes every bucket of a store.
var layout = [...]struct {
	name    string
	fenced  bool
	counted bool
	// fill is how full bbolt leaves a page that it splits. Where new entries are
	// appended, half-full pages would never be filled up: 0.9 leaves room for a
	// row to grow. Where they are inserted anywhere, a half is right.
	fill float64
	// since is the format that introduced the bucket; 0: the first.
	since int
}{
	headerBucket:          {"header", false, false, bbolt.DefaultFillPercent, 0},
	probeBucket:           {"probe", false, false, bbolt.DefaultFillPercent, 0},
	invitationsBucket:     {"invitations", true, false, 0.9, 0},
	tokensBucket:          {"tokens", false, false, bbolt.DefaultFillPercent, 0},
	emailsBucket:          {"emails", true, false, bbolt.DefaultFillPercent, 0},
	identitiesBucket:      {"identities", true, false, bbolt.DefaultFillPercent, 3},
	statesBucket:          {"states", true, false, 0.9, 0},
	invitersBucket:        {"inviters", true, false, bbolt.DefaultFillPercent, 0},
	expiringBucket:        {"expiring", false, true, 0.9, 0},
	lapsingBucket:         {"lapsing", false, true, bbolt.DefaultFillPercent, 0},
	watchedBucket:         {"watched", false, false, bbolt.DefaultFillPercent, 3},
	endedBucket:           {"ended", false, false, 0.9, 0},
	messagesBucket:        {"messages", true, false, 0.9, 0},
	messagesByOwnerBucket: {"belonging", true, false, 0.9, 0},
	outcomesBucket:        {"outcomes", true, false, 0.9, 0},
	outboxBucket:          {"outbox", false, true, bbolt.DefaultFillPercent, 0},
	importsBucket:         {"imports", true, false, 0.9, 4},
	importsDueBucket:      {"imports_due", false, false, bbolt.DefaultFillPercent, 4},
	importRowsBucket:      {"import_rows", false, false, 0.9, 4},
	importKeysBucket:      {"import_keys", false, false, bbolt.DefaultFillPercent, 4},
	importResultsBucket:   {"import_results", false, false, 0.9, 4},
	importedBucket:        {"imported", true, false, 0.9, 4},
	requestsBucket:        {"requests", false, false, bbolt.DefaultFillPercent, 4},
	requestsByTimeBucket:  {"requests_by_time", false, false, 0.9, 4},
	remindingBucket:       {"reminding", false, false, 0.9, 4},
	creatorsBucket:        {"creators", true, false, bbolt.DefaultFillPercent, 5},
	originsBucket:         {"origins", true, false, 0.9, 5},
	methodsBucket:         {"methods", true, false, 0.9, 5},
	historyBucket:         {"history", true, false, bbolt.DefaultFillPercent, 5},
}

// in opens the bucket; nil if it does not exist.
func (b bucket) in(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(layout[b].name)) }

// The fences sort before and after every other key.
var (
	lowFence  = []byte{0}
	highFence = bytes.Repeat([]byte{0xff}, 64)
)

// stateCode returns a state's byte; 0 for an unknown state.
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

func importedPrefix(id uuid.UUID, state bridge.State) []byte { return append(id[:], stateCode(state)) }

func creatorPrefix(by bridge.Creator, state bridge.State) []byte {
	return append([]byte{stateCode(state)}, hash(by.String())...)
}

func originPrefix(o bridge.Origin, state bridge.State) []byte {
	return append(hash(string(o)), stateCode(state))
}

func inviterPrefix(inviterID string, state bridge.State) []byte {
	return append(hash(inviterID), stateCode(state))
}
