// Package tracing sends OpenTelemetry traces by OTLP over HTTP. It is the only
// importer of the OpenTelemetry libraries, sets none of their globals, and
// imports nothing else of the service but package bridge.
//
// # Promises
//
//   - A span has a name, an outcome and little more, all from the code or from
//     the operator: no path, no query, no address, no id, no text of an error.
//   - A trace goes on from a caller only where its headers are given to
//     [Tracer.Request]; who vouches for them decides that.
//   - Nobody waits for the collector. If it does not keep up, spans are lost, and
//     a warning says so, once a minute at most and without credentials.
package tracing
