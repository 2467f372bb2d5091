package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as Go writes one: "90s", "48h".
type Duration time.Duration

// String is the shortest text that UnmarshalText reads back as d.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText writes d as String does.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(d.String()), nil
}

// UnmarshalText reads what time.ParseDuration reads. Its error does not quote
// the text.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("must be a duration such as 90s, 15m or 48h")
	}
	*d = Duration(parsed)
	return nil
}

const redacted = "[redacted]"

// Secret is a text that prints as "[redacted]" however it is formatted, logged
// or marshalled. Only Reveal and a conversion to string give it away.
type Secret string

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb: without it, %x and %d would get
// past String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]" to JSON, YAML and whatever else asks for text.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives "[redacted]" to slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
