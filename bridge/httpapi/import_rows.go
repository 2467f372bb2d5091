package httpapi

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"invitebridge/bridge"
	"invitebridge/bridge/importfile"
)

// reportPage is how many rows a report reads at a time: at most 6 MiB, see maxBodyBytes,
// which stay in memory until the client has read them.
const reportPage = 100

// resultWaiting is the filter for rows that have no result.
const resultWaiting bridge.ImportResult = "waiting"

// importRows streams a report about the rows of an import, which can be corrected and
// imported again as it is. It refuses one beyond maxTransfers.
func (a *API) importRows(w http.ResponseWriter, r *http.Request) error {
	values, err := parseQuery(r.URL.RawQuery, "result")
	if err != nil {
		return err
	}
	result, err := oneOf(values, "result", append(bridge.ImportResults(), resultWaiting))
	if err != nil {
		return err
	}
	id, err := importID(r)
	if err != nil {
		return err
	}
	i, err := a.service.GetImport(r.Context(), id)
	if err != nil {
		return err
	}
	format := acceptedFormat(r)
	out := &reportWriter{w: w, header: reportHeader(format, id, result)}
	report, err := importfile.NewWriter(out, format, importfile.Layout{Separator: i.Separator, Columns: i.Columns})
	if err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		out.start()
		return nil
	}
	client := keyOf(r).Name
	if err := a.reporting.begin(client); err != nil {
		return err
	}
	defer a.reporting.end(client)
	if err := a.writeReport(r, out, report, bridge.ImportRowQuery{ImportID: id, Result: result, Limit: reportPage}); err != nil {
		if !out.started {
			return err
		}
		noteError(r, publicError(err), err)
		panic(http.ErrAbortHandler) // an incomplete report must not look complete
	}
	return nil
}

// writeReport writes the rows that match q, which may ask for resultWaiting.
func (a *API) writeReport(r *http.Request, out *reportWriter, report *importfile.Writer, q bridge.ImportRowQuery) error {
	// Otherwise the server takes the client for disconnected when the time for reading
	// its request has passed.
	if err := out.control().SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	onlyWaiting := q.Result == resultWaiting
	if onlyWaiting {
		q.Result = ""
	}
	for {
		rows, err := a.service.ImportRows(r.Context(), q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if onlyWaiting && row.Result != "" {
				continue
			}
			if err := report.Write(wireRow(row)); err != nil {
				return err
			}
		}
		if len(rows) < q.Limit {
			if err := report.Flush(); err != nil || out.started {
				return err
			}
			out.start() // an empty report
			return nil
		}
		q.From = rows[len(rows)-1].Index + 1
	}
}

func wireRow(row bridge.ImportRow) importfile.Result {
	out := importfile.Result{
		Line: row.Line, Result: string(row.Result), ErrorID: row.ErrorID, Reason: row.Reason, DuplicateOf: row.DuplicateOf, Body: row.Body,
	}
	if row.Result != "" && row.InvitationID != uuid.Nil {
		out.InvitationID = row.InvitationID.String()
	}
	return out
}

// reportHeader returns the headers of a report. The file name has nothing that a client
// chose.
func reportHeader(format importfile.Format, id uuid.UUID, result bridge.ImportResult) map[string]string {
	name := "import-" + id.String()
	if result != "" {
		name += "-" + string(result)
	}
	media, extension := string(format), ".ndjson"
	if format == importfile.CSV {
		media, extension = "text/csv; charset=utf-8", ".csv"
	}
	return map[string]string{
		"Content-Type":        media,
		"Content-Disposition": mime.FormatMediaType("attachment", map[string]string{"filename": name + extension}),
		"Vary":                "Accept",
	}
}

// reportWriter writes the report to the response, with its headers before the first byte.
// It fails if the client stops reading.
type reportWriter struct {
	w       http.ResponseWriter
	header  map[string]string
	started bool
}

func (d *reportWriter) start() {
	d.started = true
	for name, value := range d.header {
		d.w.Header().Set(name, value)
	}
	d.w.WriteHeader(http.StatusOK)
}

func (d *reportWriter) control() *http.ResponseController { return http.NewResponseController(d.w) }

func (d *reportWriter) Write(p []byte) (int, error) {
	if !d.started {
		d.start()
	}
	if err := d.control().SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return d.w.Write(p)
}

// acceptedFormat returns the format that the client prefers; NDJSON if it does not
// matter.
func acceptedFormat(r *http.Request) importfile.Format {
	best := map[importfile.Format]float64{}
	for entry := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, params, err := mime.ParseMediaType(entry)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			weight = q
		}
		for _, format := range []importfile.Format{importfile.CSV, importfile.NDJSON} {
			group, _, _ := strings.Cut(string(format), "/")
			if slices.Contains([]string{string(format), group + "/*"}, media) {
				best[format] = max(best[format], weight)
			}
		}
	}
	if best[importfile.CSV] > best[importfile.NDJSON] {
		return importfile.CSV
	}
	return importfile.NDJSON
}
