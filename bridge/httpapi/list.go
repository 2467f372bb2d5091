package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePage(r, "state", "email", "inviter_id", "created_by", "import_id", "identity_origin", "method")
	if err != nil {
		return err
	}
	state, err := oneOf(p.values, "state", bridge.States())
	if err != nil {
		return err
	}
	var imported uuid.UUID
	if text := p.values.Get("import_id"); text != "" {
		if imported, err = uuid.Parse(text); err != nil || imported.String() != text {
			return bridge.ErrBadRequest.WithReasonf("import_id must be the id of an import.")
		}
	}
	origin, err := oneOf(p.values, "identity_origin", bridge.Origins())
	if err != nil {
		return err
	}
	method, err := oneOf(p.values, "method", bridge.AcceptMethods())
	if err != nil {
		return err
	}
	by, err := bridge.ParseCreator(p.values.Get("created_by"))
	if err != nil {
		return err
	}
	if own := keyOf(r).onlyOwn(ScopeRead, ScopeManage); own != (bridge.Creator{}) {
		if by != (bridge.Creator{}) && by != own {
			return forbidden("list the invitations of others", ScopeRead, ScopeManage)
		}
		by = own
	}
	page, next, err := a.service.List(r.Context(), bridge.InvitationQuery{
		State: state, Email: p.values.Get("email"), InviterID: p.values.Get("inviter_id"), CreatedBy: by, ImportID: imported,
		Origin: origin, Method: method, Before: p.before, Limit: p.size,
	})
	if err != nil {
		return err
	}
	writePage(w, r, p, page, next, bridge.Invitation.View)
	return nil
}

const (
	defaultPageSize = 100
	maxPageSize     = 500
)

// pageQuery is the part of a query that all lists share.
type pageQuery struct {
	values url.Values
	size   int
	before uuid.UUID
}

// parseQuery parses a query. It rejects unknown and repeated parameters: a filter
// that is silently ignored would return unrelated rows.
//
// Errors: ErrBadRequest.
func parseQuery(query string, known ...string) (url.Values, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, bridge.ErrBadRequest.WithReasonf("The query string is malformed.")
	}
	for name, given := range values {
		if !slices.Contains(known, name) {
			return nil, bridge.ErrBadRequest.WithReasonf("Unknown parameter %q. Known parameters: %s.", name, strings.Join(known, ", "))
		}
		if len(given) > 1 {
			return nil, bridge.ErrBadRequest.WithReasonf("The parameter %s must not be repeated.", name)
		}
	}
	return values, nil
}

// parsePage parses the query of a list.
//
// Errors: ErrBadRequest.
func parsePage(r *http.Request, filters ...string) (pageQuery, error) {
	values, err := parseQuery(plusInEmail(r.URL.RawQuery), append(filters, "page_size", "page_token")...)
	if err != nil {
		return pageQuery{}, err
	}
	p := pageQuery{values: values, size: defaultPageSize}
	if values.Has("page_size") {
		p.size, err = strconv.Atoi(values.Get("page_size"))
		if err != nil || p.size < 1 || p.size > maxPageSize {
			return pageQuery{}, bridge.ErrBadRequest.WithReasonf("page_size must be a number from 1 to %d.", maxPageSize)
		}
	}
	if token := values.Get("page_token"); token != "" {
		if p.before, err = uuid.Parse(token); err != nil {
			return pageQuery{}, bridge.ErrBadRequest.WithReasonf("page_token must come from the Link header of a page.")
		}
	}
	return p, nil
}

// plusInEmail escapes each plus inside the address of an email filter. In a query
// a plus means a space, but an address contains none, so the caller meant a plus.
// The same holds for a leading plus if the @ is unescaped: encoders that turn
// spaces into pluses escape the @ as well.
func plusInEmail(query string) string {
	parameters := strings.Split(query, "&")
	for i, parameter := range parameters {
		if address, ok := strings.CutPrefix(parameter, "email="); ok {
			inner := strings.TrimRight(address, "+")
			if !strings.Contains(inner, "@") {
				inner = strings.TrimLeft(inner, "+")
			}
			parameters[i] = "email=" + strings.Replace(address, inner, strings.ReplaceAll(inner, "+", "%2B"), 1)
		}
	}
	return strings.Join(parameters, "&")
}

// oneOf parses a filter that has one of some words; empty: the query does not have it.
func oneOf[S ~string](values url.Values, name string, words []S) (S, error) {
	word := S(values.Get(name))
	if word == "" || slices.Contains(words, word) {
		return word, nil
	}
	return "", bridge.ErrBadRequest.WithReasonf("%s must be one of %s.", name, strings.ReplaceAll(strings.Trim(fmt.Sprint(words), "[]"), " ", ", "))
}

// writePage writes a page of a list, and the Link header with the first and the
// next page.
func writePage[T, W any](w http.ResponseWriter, r *http.Request, p pageQuery, items []T, next uuid.UUID, wire func(T) W) {
	links := []string{p.link(r, "", "first")}
	if next != uuid.Nil {
		links = append(links, p.link(r, next.String(), "next"))
	}
	w.Header().Set("Link", strings.Join(links, ","))
	out := make([]W, len(items))
	for i, item := range items {
		out[i] = wire(item)
	}
	writeJSON(w, http.StatusOK, out)
}

// link formats a link as Kratos does: a path without a host.
func (p pageQuery) link(r *http.Request, token, rel string) string {
	p.values.Set("page_size", strconv.Itoa(p.size))
	p.values.Del("page_token")
	if token != "" {
		p.values.Set("page_token", token)
	}
	return fmt.Sprintf("<%s?%s>; rel=%q", r.URL.EscapedPath(), p.values.Encode(), rel)
}
