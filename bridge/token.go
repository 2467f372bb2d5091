package bridge

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"

	"github.com/google/uuid"
)

// Token is an invitation token in plain text: a random UUID with 122 bits of
// entropy. It exists only between the moment it is minted and the moment it
// leaves the process; it is never stored. Every way of printing it yields a
// placeholder, except [Token.Reveal].
type Token struct{ id uuid.UUID }

// Digest is the SHA-256 of a token's text, the only form that a store sees. A
// plain hash suffices: the entropy of a token rules out a brute-force search.
type Digest [sha256.Size]byte

// MarshalText returns the digest in hexadecimal.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText reads what MarshalText returns.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return errors.New("a digest has 64 hexadecimal digits")
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// Channel is how a token left the bridge, and thus what its use proves.
type Channel string

// The channels. Only the use of a token that was sent by email proves that the
// mailbox belongs to the invitee.
const (
	ChannelAPI   Channel = "api"   // the response to the inviter
	ChannelEmail Channel = "email" // the bridge's own email to the invitee
	ChannelHook  Channel = "hook"  // a webhook to the operator's systems
)

// TokenRecord is what the store keeps about a token, under its digest.
type TokenRecord struct {
	InvitationID uuid.UUID `json:"invitation_id"`
	Channel      Channel   `json:"channel"`
	// Epoch is the epoch of the invitation when the token was minted. A token of
	// an earlier epoch was invalidated when the invitation expired, and stays
	// invalid after a revival.
	Epoch int `json:"epoch"`
}

const (
	tokenLength   = 22 // 16 bytes in base64url without padding
	tokenPadding  = "=="
	redactedToken = "[invitation token]"
)

// MintToken returns a new token from the system's secure random source.
func MintToken() Token { return Token{id: uuid.New()} }

// ParseToken parses a token as sent by a client: 22 characters of base64url, with
// or without "==". It accepts a text only if encoding the decoded bytes yields
// that text again, because Go's decoder accepts sixteen spellings of one token,
// and line breaks too.
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

// Reveal returns the token in plain text: base64url without padding.
func (t Token) Reveal() string { return base64.RawURLEncoding.EncodeToString(t.id[:]) }

// Digest returns the digest under which the store keeps the token.
func (t Token) Digest() Digest { return digest(t.Reveal()) }

func digest(text string) Digest { return sha256.Sum256([]byte(text)) }

// String hides the token.
func (Token) String() string { return redactedToken }

// GoString hides the token from %#v.
func (Token) GoString() string { return redactedToken }

// LogValue hides the token from slog.
func (Token) LogValue() slog.Value { return slog.StringValue(redactedToken) }

// MarshalText hides the token from encoders. Use Reveal to send it.
func (Token) MarshalText() ([]byte, error) { return []byte(redactedToken), nil }
