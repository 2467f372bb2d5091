// Package metrics counts what the bridge does, for Prometheus. It is the only
// importer of the Prometheus client library, has a registry of its own, and
// imports nothing else of the service but package bridge.
//
// # Promises
//
//   - No label has a value that somebody outside can make up: there are patterns
//     of routes and no paths, methods that routes have and "other", and names
//     that the operator gave. So the number of series is bounded.
//   - No address, no id of an invitation and no secret is in a label.
//   - A scrape reads; it walks nothing, however much waits. If the store cannot
//     tell in time, what it knows is left out, and all else is served.
//
// The names are a promise to dashboards and alerts: docs/observability.md has
// them all, and tests hold it, the dashboard and the alerts to this package.
package metrics
