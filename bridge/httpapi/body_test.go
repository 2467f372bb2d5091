package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestStrictBodies: a body that is not exactly one JSON object with known fields
// is rejected, and the invitation can still be accepted.
func TestStrictBodies(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "x", "a list": "[]", "null": "null", "a text": `"x"`, "two values": "{}{}", "trailing text": `{"password":"x"} x`,
		"an unknown field": `{"password":"x","admin":true}`, "other letter case": `{"Password":"x"}`, "a field twice": `{"password":"x","password":"y"}`,
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

// TestByteOrderMark: a byte order mark before the body is ignored.
func TestByteOrderMark(t *testing.T) {
	a := start(t)
	o := a.invite("\ufeff" + `{"email":"` + email + `"}`)
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, "\ufeff"+`{"password":"`+password+`"}`); got.status != http.StatusOK {
		t.Errorf("accept: %d %s", got.status, got.body)
	}
}

// TestLargeBodies: 200 clients announce or stream 10 MB at the same time. Each gets
// 413 without its body being read to the end, and a well-behaved client is served
// meanwhile.
func TestLargeBodies(t *testing.T) {
	a := start(t)
	o := a.invite(object{"email": email})
	const size = 10 << 20
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			r := request(t, http.MethodPost, a.public+base+"/"+o.Token, nil, "Content-Type", "application/json")
			r.Body, r.ContentLength = io.NopCloser(io.LimitReader(endlessSpaces{}, size)), size
			if i%2 == 0 {
				r.ContentLength = -1 // streamed
			}
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				return // disconnected while still sending, which is allowed
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d", res.StatusCode)
			}
		})
	}
	if got := a.asInvitee(http.MethodGet, "/"+o.Token, nil); got.status != http.StatusOK {
		t.Errorf("a well-behaved client: %d", got.status)
	}
	wg.Wait()
	t.Logf("%d KB were read of each body", a.read.Load()/200>>10)
	if a.read.Load() > 200*(64<<10+8<<10) { // the limit, and what was in buffers
		t.Errorf("%d MB were read of 200 bodies", a.read.Load()>>20)
	}
	r := request(t, http.MethodPost, a.public+base+"/"+o.Token, strings.Repeat(" ", 64<<10+1))
	if got := do(t, r); got.status != http.StatusRequestEntityTooLarge || got.errorID() != "body_too_large" {
		t.Errorf("%d %s", got.status, got.body)
	}
	padded := `{"password":"` + password + `"}`
	padded += strings.Repeat(" ", 64<<10-len(padded))
	if got := a.asInvitee(http.MethodPost, "/"+o.Token, padded); got.status != http.StatusOK {
		t.Errorf("exactly 64 KiB: %d %s", got.status, got.body)
	}
}

// endlessSpaces is an endless body of spaces.
type endlessSpaces struct{}

func (endlessSpaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
