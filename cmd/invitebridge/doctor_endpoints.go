package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// endpoints reports the disabled endpoints of the running bridge.
func (d *doctor) endpoints(ctx context.Context, add func(finding)) {
	list, err := d.bridge.client.Endpoints(ctx)
	var refused *httpapi.Error
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		add(warning("the running bridge does not list its endpoints", "it is an older release: restart it with this one"))
		return
	case err != nil:
		add(warning("could not read the endpoints of the running bridge: "+err.Error(), d.bridge.hint(err, refused)))
		return
	}
	enabled := true
	for _, e := range list {
		if e.State == bridge.EndpointDisabled {
			enabled = false
			add(problem(fmt.Sprintf("%s has been disabled since %s: its receiver answered 410, and its messages stay queued", e.ID, e.DisabledAt.Format(time.RFC3339)),
				"remove the hook, or fix its receiver and run: invitebridge enable endpoint "+e.ID))
		}
	}
	if enabled {
		add(passed("none is disabled"))
	}
}
