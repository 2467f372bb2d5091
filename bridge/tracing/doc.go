// Package tracing sends OpenTelemetry traces by OTLP over HTTP. It is the only
// importer of the OpenTelemetry libraries, sets none of their globals, and imports
// no package of the service.
//
// # Promises
//
//   - A span has a name, an outcome and little more, all from the code or the
//     configuration: no path, query, address, id or error text.
//   - A caller's trace is continued only if its headers are passed to
//     [Tracer.Request]; the code that trusts the caller decides that.
//   - No call waits for the collector. If it does not keep up, spans are lost and a
//     warning is logged, at most once a minute and without credentials.
package tracing
