package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration in Go's notation: "90s", "48h".
type Duration time.Duration

// String returns the shortest text that UnmarshalText reads back as d.
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

// MarshalText returns d in the form of String.
func (d Duration) MarshalText() ([]byte, error) {
	return []byte(d.String()), nil
}

// UnmarshalText accepts what time.ParseDuration accepts. Its error does not
// quote the text.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("must be a duration such as 90s, 15m or 48h")
	}
	*d = Duration(parsed)
	return nil
}

// Size is a number of bytes, written with a binary unit: "64KiB", "256MiB", "1GiB".
type Size int64

const (
	kibibyte Size = 1 << 10
	mebibyte Size = 1 << 20
	gibibyte Size = 1 << 30
)

// sizeUnits are the units of sizes, the largest first.
var sizeUnits = []struct {
	name string
	unit Size
}{{"GiB", gibibyte}, {"MiB", mebibyte}, {"KiB", kibibyte}}

// String returns the text that UnmarshalText reads back as s: s is a multiple of 1 KiB.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s%u.unit == 0 && s != 0 {
			return fmt.Sprintf("%d%s", s/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%dKiB", s/kibibyte)
}

// MarshalText returns s in the form of String.
func (s Size) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// UnmarshalText accepts a whole number and a unit. Its error does not quote the text.
func (s *Size) UnmarshalText(text []byte) error {
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(string(text), u.name)
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(number, 10, 32); err == nil {
			*s = Size(n) * u.unit
			return nil
		}
	}
	return errors.New("must be a size such as 64KiB, 256MiB or 1GiB")
}

const redacted = "[redacted]"

// Secret is a string that prints as "[redacted]" however it is formatted, logged
// or marshaled. Only Reveal and a conversion to string expose it.
type Secret string

// Reveal returns the secret.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb: without it, %x and %d would bypass
// String.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText returns "[redacted]", for JSON, YAML and other encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]", for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
