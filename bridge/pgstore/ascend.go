package pgstore

import (
	"bytes"
	"slices"

	"github.com/google/uuid"
)

// ascend is a set of ids in ascending order: the order in which rows are locked, so
// that no two transactions wait for each other.
type ascend []uuid.UUID

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func (a ascend) has(id uuid.UUID) bool {
	_, found := slices.BinarySearchFunc(a, id, compareIDs)
	return found
}

// with returns the set with ids. It may change a.
func (a ascend) with(ids ...uuid.UUID) ascend {
	if len(ids) > 1 {
		return a.union(ids)
	}
	for _, id := range ids {
		if i, found := slices.BinarySearchFunc(a, id, compareIDs); !found {
			a = slices.Insert(a, i, id)
		}
	}
	return a
}

// without returns what is not in b.
func (a ascend) without(b ascend) (rest ascend) {
	for _, id := range a {
		if !b.has(id) {
			rest = append(rest, id)
		}
	}
	return rest
}

// union returns a new set.
func (a ascend) union(b ascend) ascend {
	all := append(slices.Clone(a), b...)
	slices.SortFunc(all, compareIDs)
	return slices.Compact(all)
}

// last returns the greatest id, or a zero one.
func (a ascend) last() uuid.UUID {
	if len(a) == 0 {
		return uuid.Nil
	}
	return a[len(a)-1]
}
