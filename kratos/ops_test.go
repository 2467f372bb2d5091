package kratos_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge"
	"invitebridge/kratos/kratostest"
)

// op is a method of the client, or one of its writes, and the one request that
// it is.
type op struct {
	name, method, route string
	run                 func(context.Context, *bench) error
	// done says whether it has had its effect; nil: a read has none.
	done func(*testing.T, *bench) bool
}

var createOp = op{
	name: "create", method: http.MethodPost, route: kratostest.RouteIdentities,
	run: func(ctx context.Context, b *bench) error {
		_, err := b.client.Create(ctx, bridge.NewIdentity{
			InvitationID: b.mark, SchemaID: kratostest.DefaultSchema, Traits: []byte(`{"email":"bob@example.com"}`),
		})
		return err
	},
	done: func(_ *testing.T, b *bench) bool { return b.fake.Len() == 2 },
}

var reads = []op{
	{
		name: "get", method: http.MethodGet, route: kratostest.RouteIdentity,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.Get(ctx, b.made.ID)
			return err
		},
	},
	{
		name: "find", method: http.MethodGet, route: kratostest.RouteIdentities,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.FindByEmail(ctx, invitedEmail)
			return err
		},
	},
	{
		name: "has_sessions", method: http.MethodGet, route: kratostest.RouteSessions,
		run: func(ctx context.Context, b *bench) error {
			_, err := b.client.HasSessions(ctx, b.made.ID)
			return err
		},
	},
	{
		name: "ping", method: http.MethodGet, route: kratostest.RouteReady,
		run: func(ctx context.Context, b *bench) error { return b.client.Ping(ctx) },
	},
}

// writes are all that there are.
var writes = []op{
	writeOp(http.MethodPut, kratostest.RouteIdentity, func(b *bench) bridge.Write { return b.activation() },
		func(t *testing.T, b *bench) bool {
			return b.fake.SignIn(t.Context(), invitedEmail, invitedPassword) == nil
		}),
	writeOp(http.MethodPut, kratostest.RouteIdentity, func(*bench) bridge.Write { return bridge.WritePassword{Password: invitedPassword} },
		func(t *testing.T, b *bench) bool {
			return errors.Is(b.fake.SignIn(t.Context(), invitedEmail, invitedPassword), kratostest.ErrInactive)
		}),
	writeOp(http.MethodPatch, kratostest.RouteIdentity, func(*bench) bridge.Write { return bridge.WriteVerified{At: time.Unix(1e9, 0)} },
		func(t *testing.T, b *bench) bool { return strings.Contains(b.shown(t), `"verified":true`) }),
	writeOp(http.MethodPatch, kratostest.RouteIdentity,
		func(b *bench) bridge.Write {
			return bridge.WriteMark{Mark: bridge.Mark{InvitationID: b.mark, Origin: bridge.OriginAdopted}}
		},
		func(t *testing.T, b *bench) bool { return strings.Contains(b.shown(t), `"origin":"adopted"`) }),
	writeOp(http.MethodDelete, kratostest.RouteSessions, func(*bench) bridge.Write { return bridge.EndSessions{} },
		func(_ *testing.T, b *bench) bool {
			_, list := b.fake.Do(http.MethodGet, "/admin/identities/"+b.made.ID.String()+"/sessions", "")
			return list == "[]"
		}),
	writeOp(http.MethodDelete, kratostest.RouteCredential, func(*bench) bridge.Write { return bridge.RemoveCredential{Type: "totp"} },
		func(t *testing.T, b *bench) bool { return !strings.Contains(b.shown(t), `"totp"`) }),
	writeOp(http.MethodDelete, kratostest.RouteIdentity, func(*bench) bridge.Write { return bridge.DeleteIdentity{} },
		func(_ *testing.T, b *bench) bool { return b.fake.Len() == 0 }),
}

func writeOp(method, route string, of func(*bench) bridge.Write, done func(*testing.T, *bench) bool) op {
	return op{
		name: of(&bench{}).Name(), method: method, route: route, done: done,
		run: func(ctx context.Context, b *bench) error { return b.client.Write(ctx, b.made, of(b)) },
	}
}

var ops = append(append([]op{createOp}, reads...), writes...)
