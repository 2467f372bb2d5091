package kratos_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// op is a method of the client, or one of its writes, and its one request.
type op struct {
	name, method, route string
	run                 func(context.Context, *fixture) error
	// done reports whether it took effect; nil: a read has no effect.
	done func(*testing.T, *fixture) bool
}

var createOp = op{
	name: "create", method: http.MethodPost, route: kratostest.RouteIdentities,
	run: func(ctx context.Context, b *fixture) error {
		_, err := b.client.Create(ctx, bridge.IdentityParams{
			InvitationID: b.mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"bob@example.com"}`),
		})
		return err
	},
	done: func(_ *testing.T, b *fixture) bool { return b.fake.Len() == 2 },
}

var createAllOp = op{
	name: "create_all", method: http.MethodPatch, route: kratostest.RouteIdentities,
	run: func(ctx context.Context, b *fixture) error {
		results := b.client.CreateAll(ctx, []bridge.IdentityParams{invited("bob@example.com"), invited("eve@example.com")})
		for _, r := range results[1:] { // the same is known of each
			if fmt.Sprint(r.Err) != fmt.Sprint(results[0].Err) {
				return fmt.Errorf("%w, but %w", r.Err, results[0].Err)
			}
		}
		return results[0].Err
	},
	done: func(_ *testing.T, b *fixture) bool { return b.fake.Len() == 3 },
}

// invited returns the parameters of a new invitation's identity.
func invited(email string) bridge.IdentityParams {
	return bridge.IdentityParams{
		InvitationID: uuid.New(), SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"` + email + `"}`),
	}
}

var reads = []op{
	{
		name: "get", method: http.MethodGet, route: kratostest.RouteIdentity,
		run: func(ctx context.Context, b *fixture) error {
			_, err := b.client.Get(ctx, b.made.ID)
			return err
		},
	},
	{
		name: "find", method: http.MethodGet, route: kratostest.RouteIdentities,
		run: func(ctx context.Context, b *fixture) error {
			_, err := b.client.FindByEmail(ctx, invitedEmail)
			return err
		},
	},
	{
		name: "has_sessions", method: http.MethodGet, route: kratostest.RouteSessions,
		run: func(ctx context.Context, b *fixture) error {
			_, err := b.client.HasSessions(ctx, b.made.ID)
			return err
		},
	},
	{
		name: "inactive_of", method: http.MethodGet, route: kratostest.RouteIdentities,
		run: func(ctx context.Context, b *fixture) error {
			_, err := b.client.InactiveOf(ctx, b.made.ID)
			return err
		},
	},
	{
		name: "ping", method: http.MethodGet, route: kratostest.RouteReady,
		run: func(ctx context.Context, b *fixture) error { return b.client.Ping(ctx) },
	},
}

// writes lists all writes.
var writes = []op{
	writeOp(http.MethodPut, kratostest.RouteIdentity, func(b *fixture) bridge.Write { return b.activation() },
		func(t *testing.T, b *fixture) bool {
			return b.fake.SignIn(t.Context(), invitedEmail, invitedPassword) == nil
		}),
	writeOp(http.MethodPut, kratostest.RouteIdentity, func(*fixture) bridge.Write { return bridge.WritePassword{Password: invitedPassword} },
		func(t *testing.T, b *fixture) bool {
			return errors.Is(b.fake.SignIn(t.Context(), invitedEmail, invitedPassword), kratostest.ErrInactive)
		}),
	writeOp(http.MethodPatch, kratostest.RouteIdentity, func(*fixture) bridge.Write { return bridge.WriteVerified{At: time.Unix(1e9, 0)} },
		func(t *testing.T, b *fixture) bool { return strings.Contains(b.shown(t), `"verified":true`) }),
	writeOp(http.MethodPatch, kratostest.RouteIdentity,
		func(b *fixture) bridge.Write {
			return bridge.WriteMark{Mark: bridge.Mark{InvitationID: b.mark, Origin: bridge.OriginAdopted}}
		},
		func(t *testing.T, b *fixture) bool { return strings.Contains(b.shown(t), `"origin":"adopted"`) }),
	writeOp(http.MethodDelete, kratostest.RouteSessions, func(*fixture) bridge.Write { return bridge.EndSessions{} },
		func(_ *testing.T, b *fixture) bool {
			_, list := b.fake.Do(http.MethodGet, "/admin/identities/"+b.made.ID.String()+"/sessions", "")
			return list == "[]"
		}),
	writeOp(http.MethodDelete, kratostest.RouteCredential, func(*fixture) bridge.Write { return bridge.RemoveCredential{Type: "totp"} },
		func(t *testing.T, b *fixture) bool { return !strings.Contains(b.shown(t), `"totp"`) }),
	writeOp(http.MethodDelete, kratostest.RouteIdentity, func(*fixture) bridge.Write { return bridge.DeleteIdentity{} },
		func(_ *testing.T, b *fixture) bool { return b.fake.Len() == 0 }),
}

func writeOp(method, route string, of func(*fixture) bridge.Write, done func(*testing.T, *fixture) bool) op {
	return op{
		name: of(&fixture{}).Name(), method: method, route: route, done: done,
		run: func(ctx context.Context, b *fixture) error { return errorOf(b.client.Write(ctx, b.made, of(b))) },
	}
}

var ops = append(append([]op{createOp, createAllOp}, reads...), writes...)
