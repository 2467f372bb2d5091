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

// endpoints asks the running bridge for those that it sends nothing more to.
func (d *doctor) endpoints(ctx context.Context, tell func(finding)) {
	list, err := d.bridge.client.Endpoints(ctx)
	var refused *httpapi.Error
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		tell(warning("the running bridge does not list its endpoints", "it is an older release: restart it with this one"))
		return
	case err != nil:
		tell(warning("the running bridge could not be asked for disabled endpoints: "+err.Error(), d.bridge.hint(err, refused)))
		return
	}
	enabled := true
	for _, e := range list {
		if e.State == bridge.EndpointDisabled {
			enabled = false
			tell(problem(fmt.Sprintf("%s is disabled since %s: its receiver answered 410, and its messages wait", e.ID, e.DisabledAt.Format(time.RFC3339)),
				"remove the hook, or correct its receiver and run: invitebridge enable endpoint "+e.ID))
		}
	}
	if enabled {
		tell(fine("none is disabled"))
	}
}
