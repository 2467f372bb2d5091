// Package kratostest provides an Ory Kratos for tests and local work.
//
//   - [Start] runs a real Kratos on loopback, with SQLite or with a database of
//     [StartPostgres]. [Build] builds its binary from the nested module in
//     server/, once per machine. The methods of [Server] act as account holders
//     do, through every way that Kratos has to sign in or recover an account;
//     [Provider] is the OpenID provider for social sign-in.
//   - [Fake] is an admin API in this process. It is fast and fails on demand:
//     before, after and during an effect.
//   - [Contract] is the suite that every bridge.Identities must pass on both of
//     them. Because it does, results of large tests on the fake hold for the
//     real one.
//
// The package imports testing, and so must not be linked into a release.
package kratostest
