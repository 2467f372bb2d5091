// Package kratostest gives tests and local work an Ory Kratos.
//
//   - [Start] runs a real one, on loopback, with SQLite or with a database of
//     [StartPostgres]. [Build] makes its binary from the nested module in
//     server/, once for a machine. The methods of [Server] are what people do
//     with their accounts, in all the ways that Kratos has for getting into one;
//     [Provider] is where they sign in elsewhere.
//   - [Fake] is an admin API in this process. It is fast, and it fails on
//     demand: before, after and in the middle of an effect.
//   - [Contract] is the suite that every bridge.Identities must pass on both of
//     them. Because it does, what volume tests show on the fake holds for the
//     real one.
//
// It imports the package testing, and so must not be part of what ships.
package kratostest
