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
	// DefaultBreachesHost is where Kratos asks by default.
	DefaultBreachesHost = "api.pwnedpasswords.com"

	breachesTimeout  = time.Second
	breachesKept     = time.Hour
	breachesPrefix   = 5         // hex digits
	maxBreachesBody  = 256 << 10 // bytes; about 40 kB are usual
	maxBreachesCache = 64        // answers; so 16 MiB at worst
)

// BreachesConfig says whom to ask.
type BreachesConfig struct {
	// Host is asked over https, port 443 unless it names another;
	// DefaultBreachesHost by default. It is Kratos' haveibeenpwned_host.
	Host string

	// Transport replaces the connections, for tests.
	Transport http.RoundTripper
}

// Breaches counts how often a password was seen in data breaches. It asks
// without telling the password: of the password's SHA-1 it sends the first five
// hex digits, and gets all the rest there are (https://haveibeenpwned.com/API/v3#PwnedPasswords).
// Kratos judges passwords by the same answers.
//
// Answers are kept for an hour, by their five digits, and there are 64 at most:
// what is kept is public, and tells next to nothing of a password. A Breaches
// is safe for concurrent use.
type Breaches struct {
	base    string
	http    *http.Client
	answers *expirable.LRU[string, []byte]
	asking  singleflight.Group
}

var _ bridge.BreachCounter = (*Breaches)(nil)

// NewBreaches makes a Breaches. It asks nobody yet.
func NewBreaches(config BreachesConfig) (*Breaches, error) {
	if config.Host == "" {
		config.Host = DefaultBreachesHost
	}
	u := url.URL{Scheme: "https", Host: config.Host}
	if parsed, err := url.Parse(u.String()); err != nil || parsed.Host != config.Host || parsed.Hostname() == "" {
		return nil, fmt.Errorf("kratos: %q is not a host name", config.Host)
	}
	if config.Transport == nil {
		t := connections(4)
		t.ForceAttemptHTTP2 = true
		config.Transport = t
	}
	return &Breaches{
		base: u.String() + "/range/",
		http: &http.Client{
			Transport: &transport{base: config.Transport, limit: maxBreachesBody},
			Timeout:   breachesTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
		answers: expirable.NewLRU[string, []byte](maxBreachesCache, nil, breachesKept),
	}, nil
}

// Count says how often password was seen; 0: never. It asks once and returns
// within a second, even if ctx ends sooner. Any error means that the answer is not known; none holds
// the password or a part of its hash.
func (b *Breaches) Count(ctx context.Context, password string) (int, error) {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // see the import
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	prefix, suffix := digits[:breachesPrefix], digits[breachesPrefix:]
	answer, ok := b.answers.Get(prefix)
	if ok {
		return countIn(answer, suffix)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("breaches: %w", err)
	}
	// The one request serves all who wait for it, and so must not end with the
	// context of the first.
	got, err, _ := b.asking.Do(prefix, func() (any, error) {
		return b.ask(context.WithoutCancel(ctx), prefix)
	})
	if err != nil {
		return 0, err
	}
	return countIn(got.([]byte), suffix)
}

func (b *Breaches) ask(ctx context.Context, prefix string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+prefix, nil)
	if err != nil {
		return nil, errors.New("breaches: the request could not be made")
	}
	r.Header.Set("User-Agent", userAgent)
	res, err := b.http.Do(r)
	if err != nil {
		return nil, breachesError(err, prefix)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("breaches: the host answered %d", res.StatusCode)
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, breachesError(err, prefix)
	}
	b.answers.Add(prefix, answer)
	return answer, nil
}

// breachesError leaves out the address, whose end is a part of the hash, and
// whatever else repeats it.
func breachesError(err error, prefix string) error {
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return errors.New("breaches: the host gave no answer in time")
		}
		err = u.Err
	}
	text := oneLine(err.Error())
	if strings.Contains(strings.ToUpper(text), prefix) {
		text = textWithheld
	}
	return errors.New("breaches: " + text)
}

// countIn looks a hash up in an answer: lines of SUFFIX:COUNT, where COUNT may
// have commas. Kratos counts a SUFFIX alone as one
// (https://github.com/ory/kratos/issues/2145), and so does this.
func countIn(answer []byte, suffix string) (int, error) {
	lines := bufio.NewScanner(bytes.NewReader(answer))
	lines.Buffer(nil, maxBreachesBody+1)
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
			return 0, errors.New("breaches: the host's answer has a count that is no number")
		}
		return n, nil
	}
	return 0, nil
}
