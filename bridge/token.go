package bridge

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"strings"

	"github.com/google/uuid"
)

// Token is an invitation token in the clear: a random UUID, 122 bits that
// nobody can guess. It exists only between the moment it is minted and the
// moment it leaves the process; it is never stored. Every way of printing it
// gives a placeholder, save [Token.Reveal].
type Token struct{ id uuid.UUID }

// Digest is the SHA-256 of a token's text: all that a store ever sees of it.
// A plain hash suffices, for a token has too much entropy to be searched.
type Digest [sha256.Size]byte

// Channel says how a token left the bridge, and so what its use proves.
type Channel string

// The channels. Only the use of a token that travelled by e-mail proves that
// the mailbox is the invitee's.
const (
	ChannelAPI   Channel = "api"   // the answer to the inviter
	ChannelEmail Channel = "email" // the bridge's own e-mail to the invitee
	ChannelHook  Channel = "hook"  // a webhook to the team's systems
)

// TokenRecord is what the store keeps of a token, under its digest.
type TokenRecord struct {
	InvitationID uuid.UUID `json:"invitation_id"`
	Channel      Channel   `json:"channel"`
	// Epoch is the invitation's when the token was minted. A token of an
	// earlier epoch died when the invitation expired, and stays dead.
	Epoch int `json:"epoch"`
}

const (
	tokenLength   = 22 // 16 bytes in base64url without padding
	tokenPadding  = "=="
	redactedToken = "[invitation token]"
)

// MintToken makes a new token from the system's secure random source.
func MintToken() Token { return Token{id: uuid.New()} }

// ParseToken reads a token as a client sent it: 22 characters of base64url,
// with or without "==". It accepts a text only if encoding the decoded bytes
// gives that text again, because Go's decoder takes sixteen spellings of one
// token, and line breaks too.
func ParseToken(text string) (Token, bool) {
	text = strings.TrimSuffix(text, tokenPadding)
	if len(text) != tokenLength {
		return Token{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != len(uuid.UUID{}) {
		return Token{}, false
	}
	t := Token{id: uuid.UUID(raw)}
	return t, t.Reveal() == text
}

// Reveal gives the token as it travels: base64url without padding.
func (t Token) Reveal() string { return base64.RawURLEncoding.EncodeToString(t.id[:]) }

// Digest gives what the store keeps.
func (t Token) Digest() Digest { return digest(t.Reveal()) }

func digest(text string) Digest { return sha256.Sum256([]byte(text)) }

// String hides the token.
func (Token) String() string { return redactedToken }

// GoString hides the token from %#v.
func (Token) GoString() string { return redactedToken }

// LogValue hides the token from slog.
func (Token) LogValue() slog.Value { return slog.StringValue(redactedToken) }

// MarshalText hides the token from encoders: who means to send it says Reveal.
func (Token) MarshalText() ([]byte, error) { return []byte(redactedToken), nil }
