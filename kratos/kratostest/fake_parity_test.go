package kratostest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"invitebridge/kratos/kratostest"
)

// parityServers are the real servers that the fake is compared with, the
// options of the matching fake, and the schemas whose scenarios run there.
var parityServers = []struct {
	name    string
	options kratostest.Options
	fake    kratostest.FakeOptions
	schemas []string
}{
	{"default", kratostest.Options{}, kratostest.FakeOptions{}, []string{"default", "customer"}},
	{"every method", kratostest.Options{EveryMethod: true}, kratostest.FakeOptions{CodeLogin: true}, []string{"default", "customer", "member"}},
}

// The same requests have the same effect on the fake and on a real server, and
// return the same in everything that the bridge reads.
func TestFake_matchesKratos(t *testing.T) {
	for _, server := range parityServers {
		t.Run(server.name, func(t *testing.T) {
			genuine := startReal(t, server.options)
			o := server.fake
			status, _ := genuine.do(t, http.MethodPost, "/admin/identities",
				fmt.Sprintf(`{"schema_id":"default","external_id":%q,"traits":{"email":%q}}`, uuid.NewString(), freshEmail()))
			o.ExternalIDs = status == http.StatusCreated
			for _, s := range scenarios {
				if slices.Contains(server.schemas, s.schema) {
					t.Run(s.name, func(t *testing.T) { s.run(t, o, genuine.server) })
				}
			}
		})
	}
}

func startReal(t *testing.T, o kratostest.Options) *twin {
	t.Helper()
	kratostest.SkipIfShort(t)
	var err error
	if o.Binary, err = kratostest.Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	o.BcryptCost = 4
	s, err := kratostest.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return newTwin(s, nil)
}

// twin is the real server or the fake in one scenario.
type twin struct {
	kratostest.Admin
	server *kratostest.Server // nil for the fake
	fake   *kratostest.Fake
	url    string
	tag    string            // suffix of the scenario's addresses
	ids    map[string]string // by name
	tokens map[string]string // of sessions
	moved  map[string]string // last seen state_changed_at
}

func newTwin(s *kratostest.Server, f *kratostest.Fake) *twin {
	w := &twin{server: s, fake: f, tag: uuid.NewString(), ids: map[string]string{}, tokens: map[string]string{}, moved: map[string]string{}}
	if s != nil {
		w.Admin, w.url = s, s.AdminURL
	} else {
		w.Admin, w.url = f, f.URL
	}
	return w
}

func (w *twin) do(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	status, answer, err := send(t, method, w.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func (w *twin) id(name string) uuid.UUID { return uuid.MustParse(w.ids[name]) }

// scenario is a sequence of requests. In them, {name} is the id of the identity
// created under that name, and <name> an email address.
type scenario struct {
	name, schema string
	steps        []step
}

// step is one request, or another action on both twins.
type step struct {
	method, path, body string
	do                 func(*twin) string
	makes              string // the name of the created identity
}

func (s scenario) run(t *testing.T, o kratostest.FakeOptions, genuine *kratostest.Server) {
	fake, err := kratostest.NewFake(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	twins := [2]*twin{newTwin(genuine, nil), newTwin(nil, fake)}
	twins[1].tag = twins[0].tag
	for n, step := range s.steps {
		var seen [2]string
		for i, w := range twins {
			seen[i] = w.perform(t, step)
		}
		if diff := cmp.Diff(seen[0], seen[1]); diff != "" {
			t.Errorf("step %d: %s %s %s\n-real +fake:\n%s", n, step.method, step.path, step.body, diff)
		}
	}
}

var (
	nameInRequest = regexp.MustCompile(`\{[a-z]+\}`)
	emailInText   = regexp.MustCompile(`<[a-zA-Z]+>`)
)

// fill replaces names by ids and addresses.
func (w *twin) fill(text string) string {
	text = nameInRequest.ReplaceAllStringFunc(text, func(name string) string {
		if id, ok := w.ids[strings.Trim(name, "{}")]; ok {
			return id
		}
		return name
	})
	return emailInText.ReplaceAllStringFunc(text, func(name string) string {
		return strings.Trim(name, "<>") + "-" + w.tag + "@example.com"
	})
}

// perform executes a step and returns its result and the state of all
// identities.
func (w *twin) perform(t *testing.T, s step) string {
	t.Helper()
	var out strings.Builder
	if s.do != nil {
		fmt.Fprintln(&out, s.do(w))
	} else {
		status, answer := w.do(t, s.method, w.fill(s.path), w.fill(s.body))
		fmt.Fprintln(&out, status)
		var made struct{ ID string }
		switch {
		case status >= 400:
			fmt.Fprintln(&out, strings.HasPrefix(answer, `{"error":{"code":`))
		case s.makes != "" && json.Unmarshal([]byte(answer), &made) == nil:
			w.ids[s.makes] = made.ID
			fmt.Fprintln(&out, w.seen(t, answer))
		case answer != "":
			fmt.Fprintln(&out, w.seen(t, answer))
		}
	}
	for _, name := range sortedKeys(w.ids) {
		fmt.Fprintf(&out, "%s: %s\n", name, w.inspect(t, name))
	}
	return w.anonymous(out.String())
}

// inspect returns an identity, and whether its state_changed_at has moved.
func (w *twin) inspect(t *testing.T, name string) string {
	t.Helper()
	path := "/admin/identities/" + w.ids[name]
	status, answer := w.do(t, http.MethodGet, path+allCredentials, "")
	if status != http.StatusOK {
		return fmt.Sprint(status)
	}
	var times struct {
		Changed string    `json:"state_changed_at"`
		Created time.Time `json:"created_at"`
	}
	if err := json.Unmarshal([]byte(answer), &times); err != nil {
		t.Fatal(err)
	}
	before, known := w.moved[name]
	w.moved[name] = times.Changed
	changed, err := time.Parse(time.RFC3339Nano, times.Changed)
	if err != nil && times.Changed != "" {
		t.Fatal(err)
	}
	_, sessions := w.do(t, http.MethodGet, path+"/sessions", "")
	return fmt.Sprintf("moved %v, before creation %v, absent %v\n%s\nsessions %s",
		known && before != times.Changed, changed.Before(times.Created), times.Changed == "",
		w.seen(t, answer), w.seen(t, sessions))
}

const allCredentials = "?include_credential=password&include_credential=oidc&include_credential=totp&include_credential=lookup_secret" +
	"&include_credential=webauthn&include_credential=passkey&include_credential=code"

// anonymous replaces ids by names.
func (w *twin) anonymous(text string) string {
	for name, id := range w.ids {
		text = strings.ReplaceAll(text, id, "{"+name+"}")
	}
	return text
}

// addSession signs in.
func (w *twin) addSession(name, session, email, password string) string {
	var err error
	if w.fake != nil {
		w.tokens[session], err = w.fake.AddSession(w.id(name))
	} else {
		w.tokens[session], err = w.server.Login(context.Background(), w.fill(email), password)
	}
	return fmt.Sprint("signed in: ", err)
}

func (w *twin) sessionWorks(session string) bool {
	if w.fake != nil {
		return w.fake.SessionWorks(w.tokens[session])
	}
	r, err := http.NewRequest(http.MethodGet, w.server.PublicURL+"/sessions/whoami", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("X-Session-Token", w.tokens[session])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
