package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
)

// readyClientTimeout is a little longer than a bridge takes to check.
const readyClientTimeout = readyTimeout + readyCacheTime

// Ready returns nil if the bridge at endpoint is ready to serve. endpoint is
// either listener, in the form that [NewClient] takes. No API key is needed. The
// error says which dependency is missing, or that the bridge did not respond
// within four seconds.
func Ready(ctx context.Context, endpoint string) error {
	u, socket, err := parseEndpoint(endpoint)
	if err != nil {
		return err
	}
	address := u.JoinPath("/health/ready").String()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", clientUserAgent)
	client := newHTTPClient(readyClientTimeout, socket)
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return requestErrorFrom(address, err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Service string            `json:"service"`
		Errors  map[string]string `json:"errors"`
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	invalid := json.Unmarshal(text, &answer) != nil
	switch {
	case !invalid && res.StatusCode == http.StatusOK && answer.Service == serviceName:
		return nil
	case !invalid && res.StatusCode == http.StatusOK && answer.Service == "":
		return fmt.Errorf("%s responds, but is not an Invite Bridge: is it Kratos?", address)
	case invalid || len(answer.Errors) == 0:
		return fmt.Errorf("unexpected response %d from %s: is it a listener of an Invite Bridge?", res.StatusCode, address)
	}
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(answer.Errors)) {
		missing = append(missing, fmt.Errorf("not ready: %s %s", name, answer.Errors[name]))
	}
	return errors.Join(missing...)
}
