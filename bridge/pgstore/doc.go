// Package pgstore is the store for several replicas: it keeps invitations in a
// PostgreSQL database, in the schema invitebridge. Of what ships, it is the
// only importer of pgx, and of the service it imports package bridge alone.
//
// # Promises
//
//   - Two updates that use the same invitation, its tokens or its messages do not
//     run at the same time, whatever process they run in: see lock.go. Nor do two that
//     use the same import, its rows or its messages. At most one pending invitation has
//     an address or identity: two unique indexes.
//   - An update that returned nil is durable, as far as the server is: its
//     synchronous_commit is raised to on. It survives a failover if there is a
//     synchronous standby.
//   - The outcome of a commit whose response was lost is looked up, and is never
//     guessed: see commit.go.
//   - No call waits for more than ten seconds for a server that does not respond, as
//     when the network is cut: see dsn.go.
//   - A view sees one snapshot. It holds no lock that others wait for.
//   - A database that is not migrated is refused. One that a later release has
//     migrated is used as long as that release permits.
//   - No error contains the DSN or its password.
//
// # Isolation
//
// Updates are READ COMMITTED and lock what they read. With SERIALIZABLE, updates of
// different invitations fail: their ids are ordered by time, so their index entries
// share a page, and PostgreSQL locks pages. A fifth to a half of the throughput is
// left.
//
// # How rows are found
//
// Each access path of [bridge.Tx] has an index, see migrations and queries.go. The
// counters of the backlog are spread over 64 rows, so that writers do not wait for
// one another.
//
// # Round trips
//
// Statements whose result no one needs are sent with the next read or with the
// commit. Rows of an import, and invitations that are inserted together with their
// messages, share one statement, whatever their number: see many.go. The first read begins the transaction. No caller waits for the end of a
// transaction that wrote nothing.
package pgstore
