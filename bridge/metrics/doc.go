// Package metrics provides the metrics of the bridge for Prometheus. It is the only
// importer of the Prometheus client library, has a registry of its own, and of the
// service imports package bridge alone.
//
// # Promises
//
//   - No client controls a label value: labels hold route patterns instead of
//     paths, the methods of routes or "other", and names from the configuration.
//     So the number of series is bounded.
//   - No label holds an address, the id of an invitation or a secret.
//   - A scrape walks no rows, however many wait. If the store does not respond in
//     time, its metrics are left out and all others are served.
//
// The names are a promise to dashboards and alerts: docs/observability.md lists
// them all, and tests check it, the dashboard and the alerts against this package.
package metrics
