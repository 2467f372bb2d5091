package kratos_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos"
)

// benchIdentity is an identity in a response of Kratos v26.2.0, with the
// credentials that a GET includes.
const benchIdentity = `{"id":"0199a5c0-0000-7000-8000-000000000001",` +
	`"credentials":{"password":{"type":"password","identifiers":["ada@example.com"],"config":{},"version":0,` +
	`"created_at":"2026-11-29T08:15:02.683594Z","updated_at":"2026-11-29T08:15:02.683594Z"},` +
	`"code":{"type":"code","identifiers":["ada@example.com"],"version":1,` +
	`"created_at":"2026-11-29T08:15:02.683594Z","updated_at":"2026-11-29T08:15:02.683594Z"}},` +
	`"schema_id":"default","schema_url":"http://127.0.0.1:4433/schemas/ZGVmYXVsdA","state":%q,` +
	`"state_changed_at":"2026-11-29T08:15:02.682894Z",` +
	`"traits":{"email":"ada@example.com","name":{"first":"Ada","last":"Lovelace"}},` +
	`"verifiable_addresses":[{"id":"0199a5c0-0000-7000-8000-00000000000a","value":"ada@example.com","verified":%t,"via":"email",` +
	`"status":"completed","created_at":"2026-11-29T08:15:02.686044Z","updated_at":"2026-11-29T08:15:02.686044Z"}],` +
	`"recovery_addresses":[{"id":"0199a5c0-0000-7000-8000-00000000000b","value":"ada@example.com","via":"email",` +
	`"created_at":"2026-11-29T08:15:02.688124Z","updated_at":"2026-11-29T08:15:02.688124Z"}],` +
	`"metadata_public":{"team":"engine"},"metadata_admin":{"invitation":{"id":"0199a5c0-0000-7000-8000-000000000002"%s},"crm":"17"},` +
	`"created_at":"2026-11-29T08:15:02.68359Z","updated_at":"2026-11-29T08:15:02.68359Z","organization_id":null}`

// answers is a server that gives one answer for each HTTP method. It allocates
// nothing for a request, so that a benchmark measures the client alone.
type answers map[string][]byte

func (a answers) serve(b *testing.B) (url string) {
	b.Helper()
	for method, answer := range a {
		a[method] = append([]byte("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nDate: Sun, 29 Nov 2026 08:15:02 GMT\r\nContent-Length: "+
			strconv.Itoa(len(answer))+"\r\n\r\n"), answer...)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go a.answer(conn)
		}
	}()
	return "http://" + l.Addr().String()
}

func (a answers) answer(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	name := []byte("Content-Length:")
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		method, _, _ := bytes.Cut(line, []byte(" "))
		answer, length := a[string(method)], 0
		for len(line) > len("\r\n") {
			if line, err = r.ReadSlice('\n'); err != nil {
				return
			}
			if bytes.HasPrefix(line, name) {
				for _, c := range bytes.TrimSpace(line[len(name):]) {
					length = 10*length + int(c-'0')
				}
			}
		}
		if _, err = r.Discard(length); err != nil {
			return
		}
		if _, err = conn.Write(answer); err != nil {
			return
		}
	}
}

// benchmark measures one call of a client whose Kratos gives these answers.
func benchmark(b *testing.B, a answers, call func(*kratos.Client) error) {
	c, err := kratos.New(kratos.Config{AdminURL: a.serve(b), AdminToken: "token"})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(c); err != nil {
			b.Fatal(err)
		}
	}
}

func shown(state string, verified bool, mark string) []byte {
	return fmt.Appendf(nil, benchIdentity, state, verified, mark)
}

var (
	benchMark  = uuid.MustParse("0199a5c0-0000-7000-8000-000000000002")
	unaccepted = shown("inactive", false, "")
)

func BenchmarkCreate(b *testing.B) {
	n := bridge.IdentityParams{
		InvitationID: benchMark, SchemaID: "default", MetadataPublic: []byte(`{"team":"engine"}`), MetadataAdmin: []byte(`{"crm":"17"}`),
		Traits: []byte(`{"email":"ada@example.com","name":{"first":"Ada","last":"Lovelace"}}`),
	}
	benchmark(b, answers{http.MethodPost: unaccepted}, func(c *kratos.Client) error {
		_, err := c.Create(b.Context(), n)
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, answers{http.MethodGet: unaccepted}, func(c *kratos.Client) error {
		_, err := c.Get(b.Context(), cannedID)
		return err
	})
}

func BenchmarkWrite(b *testing.B) {
	before := identityIn(b, unaccepted)
	for _, w := range []struct {
		write    bridge.Write
		method   string
		response []byte
	}{
		{bridge.WriteVerified{At: verifiedAt}, http.MethodPatch, shown("inactive", true, "")},
		{
			bridge.WriteActive{Mark: bridge.Mark{InvitationID: benchMark, AcceptedAt: verifiedAt}, Password: invitedPassword},
			http.MethodPut, shown("active", true, `,"accepted_at":"2001-09-09T01:46:40.000000Z"`),
		},
	} {
		b.Run(w.write.Name(), func(b *testing.B) {
			benchmark(b, answers{w.method: w.response}, func(c *kratos.Client) error {
				return errorOf(c.Write(b.Context(), before, w.write))
			})
		})
	}
}

// identityIn returns the identity in a response.
func identityIn(b *testing.B, response []byte) bridge.Identity {
	b.Helper()
	c, err := kratos.New(kratos.Config{AdminURL: "http://kratos.invalid", Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Request: r, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(response))}, nil
	})})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	i, err := c.Get(b.Context(), cannedID)
	if err != nil {
		b.Fatal(err)
	}
	return i
}
