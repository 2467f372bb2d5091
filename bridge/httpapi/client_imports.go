package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
)

// Media types of files of rows.
const (
	MediaTypeCSV    = "text/csv"
	MediaTypeNDJSON = "application/x-ndjson"
)

// ImportOptions describes an upload. Empty fields take the bridge's defaults.
type ImportOptions struct {
	MediaType string // MediaTypeCSV or MediaTypeNDJSON; required
	DryRun    bool   // judge the rows and create nothing

	// Of rows that do not have the field themselves.
	SchemaID, InviterID, InviterName, InviterEmail string
	Locale, TimeZone, ReturnTo                     string
	ExpiresIn                                      time.Duration
	Quiet                                          bool // send no email

	WaveSize  int            // rows begun at a time, with WaveEvery; zero: all
	WaveEvery time.Duration  // between the beginnings of two waves
	StartAt   time.Time      // no row is begun before
	Reinvite  []bridge.State // former invitations of an address that do not exclude it

	// IdempotencyKey makes a repetition of the upload within 24 hours return the first
	// import instead of creating another. Empty: it does not.
	IdempotencyKey string
}

// values returns the query of an upload.
func (o ImportOptions) values() url.Values {
	values := pageValues(0, "", map[string]string{
		"schema_id": o.SchemaID, "inviter_id": o.InviterID, "inviter_name": o.InviterName, "inviter_email": o.InviterEmail,
		"locale": o.Locale, "timezone": o.TimeZone, "return_to": o.ReturnTo,
	})
	if o.DryRun {
		values.Set("dry_run", "true")
	}
	if o.Quiet {
		values.Set("notify", "false")
	}
	if o.ExpiresIn != 0 {
		values.Set("expires_in", o.ExpiresIn.String())
	}
	if o.WaveSize != 0 {
		values.Set("wave_size", strconv.Itoa(o.WaveSize))
	}
	if o.WaveEvery != 0 {
		values.Set("wave_every", o.WaveEvery.String())
	}
	var reinvite []string
	for _, state := range o.Reinvite {
		reinvite = append(reinvite, string(state))
	}
	if len(reinvite) > 0 {
		values.Set("reinvite", strings.Join(reinvite, ","))
	}
	if !o.StartAt.IsZero() {
		values.Set("start_at", o.StartAt.UTC().Format(time.RFC3339Nano))
	}
	return values
}

// GetImport returns one import.
func (c *Client) GetImport(ctx context.Context, id uuid.UUID) (bridge.ImportView, error) {
	return c.callImport(ctx, http.MethodGet, id, "")
}

// PauseImport stops an import until it is resumed: no further row is begun. Pausing a
// paused import has no effect.
func (c *Client) PauseImport(ctx context.Context, id uuid.UUID) (bridge.ImportView, error) {
	return c.callImport(ctx, http.MethodPost, id, "/pause")
}

// ResumeImport continues a paused import. It has no effect on a running one.
func (c *Client) ResumeImport(ctx context.Context, id uuid.UUID) (bridge.ImportView, error) {
	return c.callImport(ctx, http.MethodPost, id, "/resume")
}

// CancelImport ends an import: rows that are begun finish, the others never get a
// result. It has no effect on an ended import.
func (c *Client) CancelImport(ctx context.Context, id uuid.UUID) (bridge.ImportView, error) {
	return c.callImport(ctx, http.MethodPost, id, "/cancel")
}

func (c *Client) callImport(ctx context.Context, method string, id uuid.UUID, verb string) (v bridge.ImportView, err error) {
	_, err = c.send(ctx, method, "/imports/"+id.String()+verb, nil, &v)
	return v, err
}

// ImportsQuery selects a page of imports.
type ImportsQuery struct {
	PageSize  int    // zero: the bridge's default
	PageToken string // of the page before; empty: the first page
}

// Imports returns a page of imports, newest first.
func (c *Client) Imports(ctx context.Context, q ImportsQuery) (Page[bridge.ImportView], error) {
	return list[bridge.ImportView](ctx, c, "/imports", pageValues(q.PageSize, q.PageToken, nil))
}

// ImportRowsQuery selects rows of an import.
type ImportRowsQuery struct {
	Result    bridge.ImportResult // empty: all rows; "waiting": those without a result
	MediaType string              // MediaTypeCSV or MediaTypeNDJSON; required
}

// ImportRows writes rows of an import to w, in the order of the file. They can be
// corrected and imported again as they are. It has no timeout of its own. Incomplete
// rows are an error.
//
// Errors: ErrTooManyRequests while others download rows of imports, before anything is
// written to w; see [Error.RetryAfter].
func (c *Client) ImportRows(ctx context.Context, id uuid.UUID, q ImportRowsQuery, w io.Writer) error {
	r, err := c.request(ctx, http.MethodGet, "/imports/"+id.String()+"/rows", pageValues(0, "", map[string]string{"result": string(q.Result)}), nil)
	if err != nil {
		return err
	}
	_, err = c.download(r, q.MediaType, w)
	return err
}
