package kratostest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// RouteRecovery is the route that creates recovery codes.
const RouteRecovery = "/admin/recovery/code"

// recoveryPage is the page of the recovery flow, which does not exist.
const recoveryPage = "http://127.0.0.1:1/recovery"

// ForbiddenReturn is a return URL that every Server and Fake refuses.
const ForbiddenReturn = "https://not-allowed.example.com/"

// fakeCodes holds the recovery codes that were not used, by flow.
type fakeCodes struct {
	mu     sync.Mutex
	byFlow map[uuid.UUID]fakeCode
}

type fakeCode struct {
	text     string
	identity uuid.UUID
	native   bool
	expires  time.Time
}

// createRecoveryCode handles POST /admin/recovery/code. Like Kratos, it also makes
// codes for inactive identities. Its codes are no bare numbers, so that a test finds
// one in a log.
func (f *Fake) createRecoveryCode(q url.Values, body []byte) reply {
	var b struct {
		IdentityID uuid.UUID `json:"identity_id"`
		FlowType   string    `json:"flow_type"`
		ExpiresIn  string    `json:"expires_in"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return malformed(err.Error())
	}
	lifespan := time.Hour
	if b.ExpiresIn != "" {
		var err error
		if lifespan, err = time.ParseDuration(b.ExpiresIn); err != nil || lifespan <= 0 {
			return malformed("expires_in is invalid")
		}
	}
	if q.Get("return_to") == ForbiddenReturn {
		return malformed("Requested return_to URL is not allowed.")
	}
	if _, ok := f.identity.byID(b.IdentityID); !ok {
		return notFound()
	}
	flow, code := uuid.New(), fakeCode{fmt.Sprintf("code-%06d", rand.N(1_000_000)), b.IdentityID, b.FlowType == "api", f.now().Add(lifespan)}
	f.codes.mu.Lock()
	defer f.codes.mu.Unlock()
	if f.codes.byFlow == nil {
		f.codes.byFlow = make(map[uuid.UUID]fakeCode)
	}
	f.codes.byFlow[flow] = code
	return jsonReply(http.StatusCreated, map[string]any{
		"recovery_link": recoveryPage + "?flow=" + flow.String(), "recovery_code": code.text, "expires_at": code.expires.UTC(),
	})
}

func malformed(reason string) reply {
	r, _ := badRequest(reason)
	return r
}

// UseRecoveryCode implements [Admin].
func (f *Fake) UseRecoveryCode(_ context.Context, flow bridge.RecoveryFlow) (uuid.UUID, error) {
	f.codes.mu.Lock()
	defer f.codes.mu.Unlock()
	code, ok := f.codes.byFlow[flow.ID]
	if !ok || code.text != flow.Code.Reveal() || f.now().After(code.expires) {
		return uuid.Nil, ErrWrongCode
	}
	if i, ok := f.identity.byID(code.identity); !ok || i.State != stateActive {
		return uuid.Nil, ErrInactive
	}
	delete(f.codes.byFlow, flow.ID)
	return code.identity, nil
}

// UseRecoveryCode implements [Admin].
func (s *Server) UseRecoveryCode(ctx context.Context, flow bridge.RecoveryFlow) (uuid.UUID, error) {
	b := s.browser()
	// The page that follows need not exist.
	b.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	a, err := b.post(ctx, s.PublicURL+"/self-service/recovery?flow="+flow.ID.String(), url.Values{"method": {"code"}, "code": {flow.Code.Reveal()}})
	if err != nil {
		return uuid.Nil, err
	}
	session, err := b.whoami(ctx)
	if errors.Is(err, ErrNoSession) {
		return uuid.Nil, b.whyNoRecovery(ctx, a)
	}
	return session.Identity.ID, err
}

// whyNoRecovery returns why the form of a recovery flow did not sign in: the error,
// or the flow's message, at the page to which Kratos redirected.
func (v *visitor) whyNoRecovery(ctx context.Context, a answer) error {
	if a.location == nil {
		return ErrWrongCode
	}
	address := v.server.PublicURL + "/self-service/recovery/flows?id=" + a.location.Query().Get("flow") // from v26.3 on
	if id := a.location.Query().Get("id"); id != "" {
		address = v.server.PublicURL + "/self-service/errors?id=" + id
	}
	shown, err := v.exchange(ctx, http.MethodGet, address, nil)
	if err == nil && (bytes.Contains(shown.body, []byte("account was disabled")) || bytes.Contains(shown.body, []byte(strconv.Itoa(messageDisabled)))) {
		return ErrInactive
	}
	return ErrWrongCode
}

// post sends a form as a page does, without following the redirect.
func (v *visitor) post(ctx context.Context, address string, form url.Values) (answer, error) {
	v.server.flows.Lock()
	defer v.server.flows.Unlock()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	to, _ := res.Location()
	return answer{http.MethodPost, address, res.StatusCode, nil, to}, nil
}
