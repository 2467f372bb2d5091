package kratostest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// target is the resource that a path names.
type target struct {
	route      string
	id         string // as in the path
	credential string // type
}

func targetOf(path string) target {
	rest, ok := strings.CutPrefix(path, RouteIdentities+"/")
	if !ok {
		return target{route: path}
	}
	parts := strings.Split(rest, "/")
	switch {
	case len(parts) == 1:
		return target{route: RouteIdentity, id: parts[0]}
	case len(parts) == 2 && parts[1] == "sessions":
		return target{route: RouteSessions, id: parts[0]}
	case len(parts) == 3 && parts[1] == "credentials":
		return target{route: RouteCredential, id: parts[0], credential: parts[2]}
	}
	return target{route: path}
}

// uuid returns the zero UUID for an invalid id; no identity has it.
func (t target) uuid() uuid.UUID {
	id, _ := uuid.Parse(t.id)
	return id
}

func requestOf(method string, u *url.URL, body string) Request {
	t := targetOf(u.Path)
	return Request{
		Method: method, Route: t.route, ID: t.uuid(), Body: body,
		Credential: t.credential, Identifier: u.Query().Get("identifier"),
	}
}

// handle processes one request. Its effect becomes visible to others
// atomically.
func (f *Fake) handle(method string, u *url.URL, contentType string, body []byte) reply {
	t := targetOf(u.Path)
	switch method + " " + t.route {
	case "GET " + RouteReady:
		return reply{status: http.StatusOK, text: `{"status":"ok"}`, contentType: typeJSON}
	case "POST " + RouteIdentities:
		return f.create(body)
	case "GET " + RouteIdentities:
		return f.list(u.Query())
	case "PATCH " + RouteIdentities:
		return f.batch(body)
	case "GET " + RouteIdentity:
		return f.get(t.uuid(), u.Query())
	case "PUT " + RouteIdentity:
		return f.replace(t.uuid(), contentType, body)
	case "PATCH " + RouteIdentity:
		return f.patch(t.uuid(), body)
	case "DELETE " + RouteIdentity:
		return f.delete(t.uuid())
	case "GET " + RouteSessions:
		return f.sessions(t.id, u.Query())
	case "DELETE " + RouteSessions:
		return f.deleteSessions(t.id)
	case "DELETE " + RouteCredential:
		return f.deleteCredential(t.uuid(), t.credential, u.Query())
	case "POST " + RouteRecovery:
		return f.createRecoveryCode(u.Query(), body)
	}
	switch t.route {
	case RouteIdentities, RouteIdentity, RouteSessions, RouteCredential, RouteReady:
		return reply{status: http.StatusMethodNotAllowed, text: "Method Not Allowed", contentType: typeText}
	}
	return reply{status: http.StatusNotFound, text: "404 page not found", contentType: typeText}
}

func (f *Fake) delete(id uuid.UUID) reply {
	if !f.identity.remove(id) {
		return notFound()
	}
	return reply{status: http.StatusNoContent}
}
