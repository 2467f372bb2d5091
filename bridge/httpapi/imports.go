package httpapi

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

func (a *API) imports(w http.ResponseWriter, r *http.Request) error {
	p, err := parsePage(r)
	if err != nil {
		return err
	}
	page, next, err := a.service.Imports(r.Context(), p.before, p.size)
	if err != nil {
		return err
	}
	writePage(w, r, p, page, next, a.service.ViewImport)
	return nil
}

func (a *API) getImport(w http.ResponseWriter, r *http.Request) error {
	return a.answerImport(w, r, a.service.GetImport)
}

func (a *API) pauseImport(w http.ResponseWriter, r *http.Request) error {
	return a.answerImport(w, r, a.service.PauseImport)
}

func (a *API) resumeImport(w http.ResponseWriter, r *http.Request) error {
	return a.answerImport(w, r, a.service.ResumeImport)
}

func (a *API) cancelImport(w http.ResponseWriter, r *http.Request) error {
	return a.answerImport(w, r, a.service.CancelImport)
}

// answerImport responds with the import that do returns for the id in the path.
func (a *API) answerImport(w http.ResponseWriter, r *http.Request, do func(context.Context, uuid.UUID) (bridge.Import, error)) error {
	id, err := importID(r)
	if err != nil {
		return err
	}
	i, err := do(r.Context(), id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, a.service.ViewImport(i))
	return nil
}

// importID returns the import id in the path.
//
// Errors: ErrImportNotFound if it is malformed.
func importID(r *http.Request) (uuid.UUID, error) {
	id, ok := parseID(r)
	if !ok {
		return uuid.Nil, bridge.ErrImportNotFound
	}
	annotate(r, func(n *requestNotes) { n.imported = id.String() })
	return id, nil
}
