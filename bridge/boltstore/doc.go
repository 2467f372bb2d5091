// Package boltstore keeps invitations in one bbolt file: the embedded store,
// for one process at a time. It is the only importer of bbolt, and imports
// nothing else of the service but package bridge.
//
// # Promises
//
//   - A file is either whole or absent: a new one is built under another name
//     and put in its place when it is complete and on the disk.
//   - A file that is not ours, not whole, or of a later format is refused and
//     never changed. In particular an empty file is not a new store: it is what
//     is left of one that was lost.
//   - A page that makes no sense is an error, ErrDamaged, for whoever meets it,
//     and never a panic. Opening a file reads few of its pages, so some are met
//     later; [Check] reads all. Only one that leads back to itself is not told
//     from others but by Check.
//   - Updates that wait for one another share one commit, and so one wait for
//     the disk. A lone one waits for nobody: no timer is involved.
//   - When the disk fails, the updates of that commit fail, all of them, and
//     the store works again as soon as the disk does.
//
// # How rows are found
//
// All keys are in keys.go. Each access path of [bridge.Tx] is a walk over
// neighbours in one tree, or a look-up; there is no scan.
//
// # Why it is tuned as it is
//
// What an update costs is the pages it touches, because each is written anew
// on every level of its tree, and above all how far apart they lie in the
// file. So there are as few trees as serve the queries; entries that are
// written together are neighbours where they can be (see keys.go); and trees
// that grow at one end fill their pages nearly to the brim, which leaves fewer
// of them. A lone invite writes some 25 pages into a store of a million and some
// 16 into one of a thousand; for either it waits for the disk twice. Pages of 4
// KiB were measured against 2, 8 and 16: larger ones make the trees lower, and
// every write dearer by more than that saves. The choices of bbolt's other
// settings stand in open.go.
package boltstore
