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

const (
	defaultPageSize = 100
	maxPageSize     = 500
)

var listParameters = []string{"state", "email", "inviter_id", "page_size", "page_token"}

func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	query, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, next, err := a.service.List(r.Context(), query)
	if err != nil {
		return err
	}
	links := []string{a.pageLink(r.URL.Query(), query.Limit, "", "first")}
	if next != uuid.Nil {
		links = append(links, a.pageLink(r.URL.Query(), query.Limit, next.String(), "next"))
	}
	w.Header().Set("Link", strings.Join(links, ","))
	out := make([]invitation, len(page))
	for i, inv := range page {
		out[i] = wireInvitation(inv)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// parseQuery reads the parameters of a list; unknown and repeated ones are
// refused, for a filter that is silently left out shows what was not asked for.
func parseQuery(raw string) (bridge.Query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return bridge.Query{}, bridge.ErrBadRequest.Reasonf("The query of the address is malformed.")
	}
	for name, given := range values {
		if !slices.Contains(listParameters, name) {
			return bridge.Query{}, bridge.ErrBadRequest.Reasonf("Unknown parameter %q. Known are: %s.", name, strings.Join(listParameters, ", "))
		}
		if len(given) > 1 {
			return bridge.Query{}, bridge.ErrBadRequest.Reasonf("Give %s once.", name)
		}
	}
	q := bridge.Query{
		State: bridge.State(values.Get("state")), Email: values.Get("email"), InviterID: values.Get("inviter_id"),
		Limit: defaultPageSize,
	}
	if q.State != "" && !slices.Contains(bridge.States(), q.State) {
		return q, bridge.ErrBadRequest.Reasonf("state must be one of pending, accepted, expired, revoked.")
	}
	if values.Has("page_size") {
		q.Limit, err = strconv.Atoi(values.Get("page_size"))
		if err != nil || q.Limit < 1 || q.Limit > maxPageSize {
			return q, bridge.ErrBadRequest.Reasonf("page_size must be a number from 1 to %d.", maxPageSize)
		}
	}
	if token := values.Get("page_token"); token != "" {
		if q.Before, err = uuid.Parse(token); err != nil {
			return q, bridge.ErrBadRequest.Reasonf("page_token must come from the Link header of a page.")
		}
	}
	return q, nil
}

// pageLink writes a link as Kratos does: a path, no host, no space behind the
// comma between two.
func (a *API) pageLink(query url.Values, size int, token, rel string) string {
	query.Set("page_size", strconv.Itoa(size))
	query.Del("page_token")
	if token != "" {
		query.Set("page_token", token)
	}
	return fmt.Sprintf("<%s/?%s>; rel=%q", a.config.BasePath, query.Encode(), rel)
}
