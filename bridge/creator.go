package bridge

import (
	"strings"

	"github.com/google/uuid"
)

// CreatorKind is how a creator proved who it is.
type CreatorKind string

// The kinds.
const (
	CreatorKey     CreatorKind = "key"     // an API key; its id is the name of the key
	CreatorSession CreatorKind = "session" // a session in the identity system; its id is that of the identity
)

// CreatorKinds returns every kind.
func CreatorKinds() []CreatorKind { return []CreatorKind{CreatorKey, CreatorSession} }

// Creator is who created an invitation. The bridge sets it, never a caller. Zero: it is
// not known, because an earlier release created the invitation.
type Creator struct {
	Kind CreatorKind `json:"kind"`
	ID   string      `json:"id"`
}

// ByKey is the creator with an API key of this name; zero if it is empty.
func ByKey(name string) Creator {
	if name == "" {
		return Creator{}
	}
	return Creator{Kind: CreatorKey, ID: name}
}

// BySession is the creator with a session of this identity.
func BySession(identity uuid.UUID) Creator {
	return Creator{Kind: CreatorSession, ID: identity.String()}
}

// String returns the kind and the id, as in "key:backend"; empty for the zero Creator.
func (c Creator) String() string {
	if c == (Creator{}) {
		return ""
	}
	return string(c.Kind) + ":" + c.ID
}

// ParseCreator parses what String returns, and the empty text.
//
// Errors: ErrBadRequest.
func ParseCreator(text string) (Creator, error) {
	kind, id, _ := strings.Cut(text, ":")
	for _, k := range CreatorKinds() {
		if string(k) == kind && id != "" {
			return Creator{Kind: k, ID: id}, nil
		}
	}
	if text == "" {
		return Creator{}, nil
	}
	return Creator{}, ErrBadRequest.WithReasonf("created_by must be key:NAME, with the name of an API key, or session:ID, with the id of an identity.")
}
