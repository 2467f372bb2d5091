package httpapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"invitebridge/bridge"
)

// rowDefaults are the parameters of an import that are fields of an invite, for the rows
// that do not have them.
var rowDefaults = []string{
	"schema_id", "inviter_id", "inviter_name", "inviter_email", "locale", "timezone", "return_to", "expires_in", "notify",
}

// importSettings are the other parameters of an import.
var importSettings = []string{"dry_run", "wave_size", "wave_every", "start_at", "reinvite"}

// parseImport parses the query of an import.
//
// Errors: ErrBadRequest. The domain validates the values of the defaults.
func parseImport(r *http.Request) (request bridge.ImportRequest, values url.Values, err error) {
	values, err = parseQuery(r.URL.RawQuery, slices.Concat(rowDefaults, importSettings)...)
	if err != nil {
		return request, nil, err
	}
	request.DryRun, err = parseBool(values, "dry_run")
	if err == nil {
		request.Defaults, err = parseDefaults(values)
	}
	if err == nil {
		err = parseWaves(values, &request)
	}
	if values.Has("reinvite") {
		for state := range strings.SplitSeq(values.Get("reinvite"), ",") {
			request.Reinvite = append(request.Reinvite, bridge.State(strings.TrimSpace(state)))
		}
	}
	return request, values, err
}

func parseWaves(values url.Values, request *bridge.ImportRequest) (err error) {
	if values.Has("wave_size") {
		if request.WaveSize, err = strconv.Atoi(values.Get("wave_size")); err != nil || request.WaveSize < 1 {
			return bridge.ErrBadRequest.WithReasonf("wave_size must be a number of rows, at least 1.")
		}
	}
	if values.Has("wave_every") {
		if request.WaveEvery, err = time.ParseDuration(values.Get("wave_every")); err != nil || request.WaveEvery <= 0 {
			return bridge.ErrBadRequest.WithReasonf("wave_every must be a duration such as \"24h\".")
		}
	}
	if values.Has("start_at") {
		at, err := time.Parse(time.RFC3339, values.Get("start_at"))
		if year := at.UTC().Year(); err != nil || year < 2000 || year > 9999 {
			return bridge.ErrBadRequest.WithReasonf("start_at must be a time in the format of RFC 3339, such as 2026-05-26T09:00:00Z. In a query, + is written %%2B.")
		}
		request.StartAt = at.UTC().Truncate(time.Microsecond)
	}
	return nil
}

// parseDefaults returns the body of an invite with the defaults; nil if there are none.
func parseDefaults(values url.Values) (json.RawMessage, error) {
	defaults := make(map[string]any)
	for _, name := range rowDefaults {
		if text := values.Get(name); text != "" {
			defaults[name] = text
		}
	}
	if values.Has("notify") {
		notify, err := parseBool(values, "notify")
		if err != nil {
			return nil, err
		}
		defaults["notify"] = notify
	}
	if len(defaults) == 0 {
		return nil, nil
	}
	return json.Marshal(defaults)
}

// parseBool returns false for a parameter that is not there.
func parseBool(values url.Values, name string) (bool, error) {
	switch text := values.Get(name); {
	case text == "true":
		return true, nil
	case text == "false", !values.Has(name):
		return false, nil
	}
	return false, bridge.ErrBadRequest.WithReasonf("%s must be true or false.", name)
}
