package kratos

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the protocol's choice; nothing is protected by it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/sync/singleflight"

	"invitebridge/bridge"
)

const (
	// DefaultPwnedPasswordsHost is the host that Kratos queries by default.
	DefaultPwnedPasswordsHost = "api.pwnedpasswords.com"

	pwnedTimeout      = time.Second
	pwnedTTL          = time.Hour
	pwnedPrefixDigits = 5         // hex digits
	maxPwnedBody      = 256 << 10 // bytes; a typical response has about 40 kB
	maxPwnedCache     = 64        // responses; so 16 MiB at worst
)

// PwnedPasswordsConfig describes the host to query.
type PwnedPasswordsConfig struct {
	// Host is queried over https, on port 443 unless it names another. Default:
	// DefaultPwnedPasswordsHost. It corresponds to Kratos' haveibeenpwned_host.
	Host string

	// Transport replaces the connections in tests.
	Transport http.RoundTripper
}

// PwnedPasswords counts how often a password was seen in data breaches, without
// revealing the password: it sends the first five hex digits of its SHA-1 and
// receives all known suffixes
// (https://haveibeenpwned.com/API/v3#PwnedPasswords). Kratos checks passwords
// against the same data.
//
// Up to 64 responses are cached for an hour, keyed by the five digits. They are
// public data and reveal next to nothing about a password. A PwnedPasswords is
// safe for concurrent use.
type PwnedPasswords struct {
	base     string
	http     *http.Client
	cache    *expirable.LRU[string, []byte]
	inFlight singleflight.Group
}

var _ bridge.BreachCounter = (*PwnedPasswords)(nil)

// NewPwnedPasswords returns a PwnedPasswords without connecting.
func NewPwnedPasswords(config PwnedPasswordsConfig) (*PwnedPasswords, error) {
	if config.Host == "" {
		config.Host = DefaultPwnedPasswordsHost
	}
	u := url.URL{Scheme: "https", Host: config.Host}
	if parsed, err := url.Parse(u.String()); err != nil || parsed.Host != config.Host || parsed.Hostname() == "" {
		return nil, fmt.Errorf("kratos: %q is not a host name", config.Host)
	}
	if config.Transport == nil {
		t := newHTTPTransport(4)
		t.ForceAttemptHTTP2 = true
		config.Transport = t
	}
	return &PwnedPasswords{
		base: u.String() + "/range/",
		http: &http.Client{
			Transport: &transport{base: config.Transport, limit: maxPwnedBody},
			Timeout:   pwnedTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
		cache: expirable.NewLRU[string, []byte](maxPwnedCache, nil, pwnedTTL),
	}, nil
}

// Count returns how often password was seen; 0: never. It sends at most one
// request and returns within a second, even if ctx ends sooner.
//
// Errors: any error means that the count is unknown; none contains the password
// or a part of its hash.
func (b *PwnedPasswords) Count(ctx context.Context, password string) (int, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see the import
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	prefix, suffix := digits[:pwnedPrefixDigits], digits[pwnedPrefixDigits:]
	answer, ok := b.cache.Get(prefix)
	if ok {
		return countIn(answer, suffix)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("pwned passwords: %w", err)
	}
	// Concurrent callers share the request, so it must not end with the context
	// of the first.
	got, err, _ := b.inFlight.Do(prefix, func() (any, error) {
		return b.fetch(context.WithoutCancel(ctx), prefix)
	})
	if err != nil {
		return 0, err
	}
	return countIn(got.([]byte), suffix)
}

func (b *PwnedPasswords) fetch(ctx context.Context, prefix string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+prefix, nil)
	if err != nil {
		return nil, errors.New("pwned passwords: the request could not be created")
	}
	r.Header.Set("User-Agent", userAgent)
	res, err := b.http.Do(r)
	if err != nil {
		return nil, pwnedError(err, prefix)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("pwned passwords: the host returned %d", res.StatusCode)
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, pwnedError(err, prefix)
	}
	b.cache.Add(prefix, answer)
	return answer, nil
}

// pwnedError drops the URL, which ends with a part of the hash, and withholds
// any other text that repeats it.
func pwnedError(err error, prefix string) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return errors.New("pwned passwords: the host did not respond in time")
		}
		err = u.Err
	}
	text := oneLine(err.Error())
	if strings.Contains(strings.ToUpper(text), prefix) {
		text = textWithheld
	}
	return errors.New("pwned passwords: " + text)
}

// countIn returns the count of a hash suffix in a response. The response has
// lines of SUFFIX:COUNT, where COUNT may contain commas. Like Kratos
// (https://github.com/ory/kratos/issues/2145), it counts a SUFFIX without a
// COUNT as one.
func countIn(answer []byte, suffix string) (int, error) {
	lines := bufio.NewScanner(bytes.NewReader(answer))
	lines.Buffer(nil, maxPwnedBody+1)
	for lines.Scan() {
		hash, count, counted := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if !strings.EqualFold(hash, suffix) {
			continue
		}
		if !counted {
			return 1, nil
		}
		n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(count), ",", ""))
		if err != nil || n < 0 {
			return 0, errors.New("pwned passwords: the host's response has a count that is not a number")
		}
		return n, nil
	}
	return 0, nil
}
