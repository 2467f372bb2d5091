package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/bridgetest"
	"invitebridge/bridge/httpapi"
)

func TestBodiesAreReadStrictly(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "x", "a list": "[]", "null": "null", "a text": `"x"`, "two values": "{}{}", "trailing text": `{"password":"x"} x`,
		"an unknown field": `{"password":"x","admin":true}`, "other letters": `{"Password":"x"}`, "a field twice": `{"password":"x","password":"y"}`,
		"a field twice, deep": `{"email":"a@b.c","traits":{"a":{"b":1,"b":2}}}`, "a wrong type": `{"password":7}`, "cut short": `{"password":"x"`,
		"invalid UTF-8": "{\"password\":\"\xff\xfe aaaaaaaaaa\"}", "a lone surrogate": `{"password":"\ud800 aaaaaaaaa"}`,
		"too deep": strings.Repeat("[", 60000), "too deep an object": strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000),
		"a huge number": `{"email":"a@b.c","traits":{"n":1e999}}`, "a comment": "{/**/}", "two byte order marks": "\ufeff\ufeff{}", "a byte order mark alone": "\ufeff",
		"traits too deep": `{"email":"a@b.c","traits":` + strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 101),
	} {
		for at, got := range map[string]answer{
			"accept": a.asInvitee(http.MethodPost, "/"+o.Token, body), "confirm": a.asInvitee(http.MethodPost, "/confirm", body),
			"invite": a.asAdmin(http.MethodPost, "/", body),
		} {
			if got.status != http.StatusBadRequest || got.errorID() != "bad_request" {
				t.Errorf("%s, %s: %d %s", at, name, got.status, got.body)
			}
		}
	}
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password}); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

func TestErrorsQuoteNoSecret(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	const canary = "CANARY-5up3r"
	for _, body := range []string{
		`{"password":"` + canary + `"`, `{"password":"` + canary + `"} ` + canary, `{"password":{"` + canary + `":1}}`,
		`{"password":"` + canary + "\xff" + `"}`, `{"password":"short","password":"` + canary + `"}`, `{"password":"` + canary + `" ` + canary + `}`,
	} {
		if got := a.asInvitee(http.MethodPost, "/"+o.Token, body); strings.Contains(string(got.body), canary) && !strings.Contains(body, `{"`+canary) {
			t.Errorf("%s", got.body)
		}
	}
	a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": email}) // its answer quotes what is in it of the address
	refused := []answer{
		a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": "short"}),
		a.asAdmin(http.MethodPost, "/"+o.Token+"/revoke", nil),
		do(t, request(t, http.MethodGet, a.admin+base, nil, "Authorization", "Bearer "+canary)),
		do(t, request(t, http.MethodGet, a.public+"/"+o.Token+"/"+canary, nil)),
	}
	a.asInvitee(http.MethodGet, "/"+o.Token, nil)
	a.asInvitee(http.MethodPost, "/"+o.Token+"?x="+canary, object{"password": canary + canary})
	refused = append(refused, a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": canary + canary}),
		a.asInvitee(http.MethodGet, "/"+o.Token, nil))
	for i, got := range refused {
		if got.status < 400 || !strings.Contains(string(got.body), `"error"`) {
			t.Errorf("answer %d is no error: %d %s", i, got.status, got.body)
		}
		for _, secret := range []string{canary, o.Token, key} {
			if strings.Contains(string(got.body), secret) {
				t.Errorf("answer %d holds %q: %s", i, secret, got.body)
			}
		}
	}
	log := a.log.String()
	if lines := strings.Count(log, "\n"); lines < 10 {
		t.Fatalf("%d lines were logged: the search proves nothing", lines)
	}
	for _, secret := range []string{canary, o.Token, key} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	for _, media := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1", "application/jsonp", "/"} {
		r := request(t, http.MethodPost, a.public+base+"/"+o.Token, `{"password":"`+password+`"}`, "Content-Type", media)
		if got := do(t, r); got.status != http.StatusUnsupportedMediaType || got.errorID() != "unsupported_media_type" {
			t.Errorf("%q: %d %s", media, got.status, got.body)
		}
	}
	for i, media := range []string{"Application/JSON; charset=UTF-8", "application/json;charset=utf8", `application/json; charset="Utf8"`} {
		o := a.invite(object{"email": fmt.Sprintf("media%d@example.com", i)})
		r := request(t, http.MethodPost, a.public+base+"/"+o.Token, `{"password":"`+password+`"}`, "Content-Type", media)
		if got := do(t, r); got.status != http.StatusOK {
			t.Errorf("%q: %d %s", media, got.status, got.body)
		}
	}
}

// TestByteOrderMark: some programs begin every text with one.
func TestByteOrderMark(t *testing.T) {
	a := start(t)
	o := a.invite("\ufeff" + `{"email":"` + email + `"}`)
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, "\ufeff"+`{"password":"`+password+`"}`); got.status != http.StatusOK {
		t.Errorf("accept: %d %s", got.status, got.body)
	}
}

// TestLargeBodies: 200 clients announce or stream 10 MB at once; each is told
// so without reading on, and a good client is served meanwhile.
func TestLargeBodies(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	const size = 10 << 20
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			r := request(t, http.MethodPost, a.public+base+"/"+o.Token, nil, "Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(spaces{}, size)), size
			if i%2 == 0 {
				r.ContentLength = -1 // streamed
			}
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				return // cut while still sending: as good an answer
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK {
		t.Errorf("a good client: %d", got.status)
	}
	wg.Wait()
	t.Logf("%d KB were read of each body", a.read.Load()/200>>10)
	if a.read.Load() > 200*(64<<10+8<<10) { // the cap, and what was in the buffers
		t.Errorf("%d MB were read of 200 bodies", a.read.Load()>>20)
	}
	r := request(t, http.MethodPost, a.public+base+"/"+o.Token, strings.Repeat(" ", 64<<10+1))
	if got := do(t, r); got.status != http.StatusRequestEntityTooLarge || got.errorID() != "body_too_large" {
		t.Errorf("%d %s", got.status, got.body)
	}
	padded := `{"password":"` + password + `"}`
	padded += strings.Repeat(" ", 64<<10-len(padded))
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, padded); got.status != http.StatusOK {
		t.Errorf("64 KiB to the byte: %d %s", got.status, got.body)
	}
}

// spaces is a body of spaces without end.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestSlowClients: who drips headers is cut within 6 s, who drips a body within
// 16 s, and a good client is served all the while.
func TestSlowClients(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	var wg sync.WaitGroup
	slow := func(name, opening string, limit time.Duration) {
		wg.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(a.public, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			begin := time.Now()
			fmt.Fprint(conn, opening)
			go func() {
				for {
					if _, err := conn.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(200 * time.Millisecond) // the fault itself: a dripping client
				}
			}()
			_ = conn.SetReadDeadline(begin.Add(limit + time.Second))
			_, err = io.Copy(io.Discard, conn)
			var timeout net.Error
			if took := time.Since(begin); took > limit || errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s: cut after %s", name, took)
			}
		})
	}
	for range 250 {
		slow("headers", "GET /health/alive HTTP/1.1\r\nHost: x\r\nX-Slow: ", 6*time.Second)
	}
	for range 20 {
		slow("body", "POST "+base+"/"+o.Token+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n", 16*time.Second)
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for range 5 {
		<-ticker.C
		begin := time.Now()
		if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK || time.Since(begin) > time.Second {
			t.Errorf("a good client: %d after %s", got.status, time.Since(begin))
		}
	}
	wg.Wait()
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, object{"password": password}); got.status != http.StatusOK {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

func TestRateLimit(t *testing.T) {
	limited := func(c *httpapi.Config) {
		c.RateLimit = httpapi.RateLimit{Requests: 3, Window: time.Hour}
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	}
	a := start(t, limited)
	post := func(forwarded string) answer {
		return do(t, request(t, http.MethodPost, a.public+base+"/"+bridge.MintToken().Reveal(), object{"password": password}, "X-Forwarded-For", forwarded))
	}
	for i := range 5 {
		got := post("203.0.113.9")
		if want := i >= 3; want != (got.status == http.StatusTooManyRequests) || want != (got.errorID() == "too_many_requests") {
			t.Errorf("request %d: %d %s", i, got.status, got.body)
		}
		if got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") != "1200" {
			t.Errorf("Retry-After: %s", got.header.Get("Retry-After"))
		}
	}
	for _, same := range []string{"1.2.3.4, 203.0.113.9", "203.0.113.9, 10.1.2.3", "junk, 203.0.113.9,10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9:4711"} {
		if got := post(same); got.status != http.StatusTooManyRequests {
			t.Errorf("%q got past the limit: %d", same, got.status)
		}
	}
	for _, other := range []string{"203.0.113.10", "203.0.113.9, 198.51.100.1", "2001:db8::1"} {
		if got := post(other); got.status != http.StatusNotFound {
			t.Errorf("%q: %d", other, got.status)
		}
	}
	for i := range 5 {
		if got := post(fmt.Sprintf("2001:db8:1:1::%x", i)); (i >= 3) != (got.status == http.StatusTooManyRequests) {
			t.Errorf("address %d of one network: %d", i, got.status)
		}
	}
	if got := do(t, request(t, http.MethodGet, a.public+base+"/"+bridge.MintToken().Reveal(), nil, "X-Forwarded-For", "203.0.113.9")); got.status != http.StatusNotFound {
		t.Errorf("a GET is limited: %d", got.status)
	}
}

func TestNobodyUndeclaredIsBelieved(t *testing.T) {
	a := start(t, func(c *httpapi.Config) { c.RateLimit = httpapi.RateLimit{Requests: 3, Window: time.Hour} })
	for i := range 5 {
		r := request(t, http.MethodPost, a.public+base+"/"+bridge.MintToken().Reveal(), object{"password": password},
			"X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "X-Real-IP", fmt.Sprintf("203.0.113.%d", i), "True-Client-IP", fmt.Sprint(i),
			"Forwarded", fmt.Sprintf("for=203.0.113.%d", i), "X-Request-ID", "mine", "X-Forwarded-Host", "evil.example", "Host", "evil.example")
		got := do(t, r)
		if (i >= 3) != (got.status == http.StatusTooManyRequests) {
			t.Errorf("request %d: %d", i, got.status)
		}
		if got.header.Get("X-Request-ID") == "mine" {
			t.Error("a stranger's request id was taken over")
		}
	}
	r := request(t, http.MethodPost, a.admin+base+"/", object{"email": email}, "Authorization", "Bearer "+key, "X-Request-ID", "caller-7", "X-Forwarded-Host", "evil.example")
	r.Host = "evil.example"
	if got := do(t, r); got.header.Get("X-Request-ID") != "caller-7" || strings.Contains(string(got.body), "evil") {
		t.Errorf("%v %s", got.header, got.body)
	}
}

// TestRateLimitMemory: a million addresses do not cost more than a hundred
// thousand.
func TestRateLimitMemory(t *testing.T) {
	limit := httpapi.RateLimit{Requests: 3, Window: time.Hour}
	handler := httpapi.New(bridgetest.New(t).Service, httpapi.Config{
		BasePath: base, RateLimit: limit, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")},
	})
	before := heap()
	httpapi.Flood(handler, 1_000_000)
	used := int64(heap()) - int64(before)
	t.Logf("%d MB for 1,000,000 addresses", used>>20)
	if used > 40<<20 {
		t.Errorf("%d MB are held", used>>20)
	}
	runtime.KeepAlive(handler)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCORS(t *testing.T) {
	const mine, theirs = "https://app.example.com", "https://evil.example"
	for _, listed := range []bool{false, true} {
		a := start(t, func(c *httpapi.Config) {
			if listed {
				c.AllowedOrigins = []string{mine}
			}
		})
		o := a.invite(object{"email": email})
		for _, origin := range []string{mine, theirs, "null"} {
			want := ""
			if listed && origin == mine {
				want = mine
			}
			preflight := do(t, request(t, http.MethodOptions, a.public+base+"/"+o.Token, nil,
				"Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"))
			get := do(t, request(t, http.MethodGet, a.public+base+"/"+o.Token, nil, "Origin", origin))
			for name, got := range map[string]answer{"preflight": preflight, "get": get} {
				if allow := got.header.Get("Access-Control-Allow-Origin"); allow != want {
					t.Errorf("%s from %s, listed %v: allowed %q", name, origin, listed, allow)
				}
				if got.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Error("credentials are allowed")
				}
			}
		}
		admin := do(t, request(t, http.MethodOptions, a.admin+base+"/", nil, "Origin", mine, "Access-Control-Request-Method", "POST"))
		if admin.header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("the admin listener has CORS")
		}
	}
}

// TestAnswersTakeAlike: unknown and malformed tokens, and those that have
// ended, are told apart by what is answered, not by how long it takes.
func TestAnswersTakeAlike(t *testing.T) {
	a := start(t)
	expired := a.invite(object{"email": "a@example.com", "expires_in": "1s"})
	revoked := a.invite(object{"email": "b@example.com"})
	a.asAdmin(http.MethodPost, "/"+revoked.ID+"/revoke", nil)
	a.Clock.Advance(time.Second)
	tokens := map[string]string{
		"unknown": bridge.MintToken().Reveal(), "malformed": "not-a-token", "expired": expired.Token, "revoked": revoked.Token,
	}
	const rounds = 300
	fastest := map[string]time.Duration{}
	for range rounds { // interleaved, so that whatever else goes on hits all alike
		for name, token := range tokens {
			begin := time.Now()
			a.asInvitee(http.MethodGet, "/"+token, nil)
			if took := time.Since(begin); fastest[name] == 0 || took < fastest[name] {
				fastest[name] = took
			}
		}
	}
	t.Log(fastest)
	low, high := time.Hour, time.Duration(0)
	for _, d := range fastest {
		low, high = min(low, d), max(high, d)
	}
	if high-low > 500*time.Microsecond {
		t.Errorf("the fastest of %d answers differ by %s: %v", rounds, high-low, fastest)
	}
	unknown, malformed := a.asInvitee(http.MethodGet, "/"+tokens["unknown"], nil), a.asInvitee(http.MethodGet, "/"+tokens["malformed"], nil)
	if unknown.status != http.StatusNotFound || malformed.status != unknown.status || malformed.errorID() != unknown.errorID() {
		t.Errorf("%s against %s", unknown.body, malformed.body)
	}
}

func TestEveryKindHasACode(t *testing.T) {
	codes := httpapi.Codes()
	for _, kind := range bridge.Kinds() {
		if codes[kind] < 400 {
			t.Errorf("kind %d has code %d", kind, codes[kind])
		}
	}
	if len(codes) != len(bridge.Kinds()) {
		t.Errorf("%d codes for %d kinds", len(codes), len(bridge.Kinds()))
	}
}

func TestInternalErrorsSayNothing(t *testing.T) {
	a := start(t)
	a.Store.FailUpdates(func(int) error { panic(fmt.Sprintf("secret %s", password)) })
	got := a.asAdmin(http.MethodPost, "/", object{"email": email})
	if got.status != http.StatusInternalServerError || got.errorID() != "internal" || strings.Contains(string(got.body), "secret") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if log := a.log.String(); strings.Contains(log, password) || !strings.Contains(log, "panic of type string") {
		t.Errorf("%s", log)
	}
	a.Store.FailUpdates(func(int) error { return errors.New("no space left on device") })
	got = a.asAdmin(http.MethodPost, "/", object{"email": email})
	if got.status != http.StatusServiceUnavailable || got.errorID() != "store_unavailable" || got.header.Get("Retry-After") == "" || strings.Contains(string(got.body), "space") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(a.log.String(), "no space left on device") {
		t.Error("the cause is not in the log")
	}
}

// TestRawRequests: what no client library would send.
func TestRawRequests(t *testing.T) {
	a := start(t)
	for name, raw := range map[string]string{
		"a space in the path":    "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
		"huge headers":           "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"two lengths":            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"an unknown method":      "BREW " + base + "/x HTTP/1.1\r\nHost: x\r\n\r\n",
		"bytes that are no text": "\x00\xff\x16\x03\x01\r\n\r\n",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(a.public, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprint(conn, raw)
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if !strings.HasPrefix(line, "HTTP/1.1 4") {
			t.Errorf("%s: %q", name, line)
		}
		conn.Close()
		cancel()
	}
}
