// Package boltstore is the embedded store: it keeps invitations in one bbolt
// file, for one process at a time. It is the only importer of bbolt, and of the
// service it imports package bridge alone.
//
// # Promises
//
//   - A file is either complete or absent: a new one is built under a temporary
//     name and published when it is complete and on disk.
//   - A file that is not a store, is damaged, or has a later format is refused
//     and never changed. In particular an empty file is not a new store: it is
//     the remains of a lost one.
//   - Reading an invalid page returns ErrCorrupt and never panics. Opening a file
//     reads few of its pages, so damage may surface later; [Check] reads all. The
//     exception is a page that links to itself: only Check detects it.
//   - Updates that wait for one another share one commit, and so one wait for
//     the disk. An update on its own does not wait: no timer is involved.
//   - When the disk fails, all updates of that commit fail, and the store works
//     again as soon as the disk does.
//
// # How rows are found
//
// All keys are in keys.go, and the entries of indexes in entries.go. Each access path
// of [bridge.Tx] is a look-up, or a walk over adjacent keys in one tree; there is no scan.
//
// # Tuning
//
// The cost of an update is the pages it touches, because bbolt rewrites each
// one on every level of its tree, and above all how far apart they lie in the
// file. So there are as few trees as the queries need; entries written together
// have adjacent keys where possible (see keys.go); and trees that grow at one
// end fill their pages almost completely, which needs fewer of them. A single
// invite writes about 25 pages into a store of a million invitations and about
// 16 into one of a thousand; both wait for the disk twice. Pages of 4 KiB were
// measured against 2, 8 and 16 KiB: larger pages make the trees lower, but every
// write more expensive by more than that saves. bbolt's other settings are
// explained in open.go.
package boltstore
