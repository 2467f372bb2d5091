package httpapi

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"invitebridge/bridge"
)

// endpoints lists all delivery endpoints. There are as many as the configuration
// names, so the list is not paginated.
func (a *API) endpoints(w http.ResponseWriter, r *http.Request) error {
	if r.URL.RawQuery != "" {
		return bridge.ErrBadRequest.WithReasonf("The list of endpoints takes no parameters.")
	}
	list := a.service.Endpoints()
	if list == nil {
		list = []bridge.Endpoint{}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (a *API) enableEndpoint(w http.ResponseWriter, r *http.Request) error {
	e, err := a.service.EnableEndpoint(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, e)
	return nil
}
