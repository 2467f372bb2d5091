package pgstore

import (
	"slices"

	"github.com/google/uuid"
)

// class is a table whose rows are locked, together with all that belongs to them.
type class int

// The classes, in the order in which they are locked.
const (
	ofImports class = iota
	ofInvitations
	classes
)

func (c class) table() string {
	if c == ofImports {
		return imports.name
	}
	return invitations.name
}

// owners are the rows of each class that something belongs to.
type owners [classes]ascend

func (o owners) none() bool {
	return !slices.ContainsFunc(o[:], func(ids ascend) bool { return len(ids) > 0 })
}

func (o owners) union(p owners) (all owners) {
	for c := range o {
		all[c] = o[c].union(p[c])
	}
	return all
}

// without returns what is not in p.
func (o owners) without(p owners) (rest owners) {
	for c := range o {
		rest[c] = o[c].without(p[c])
	}
	return rest
}

func uuids(ids []uuid.UUID) []*id {
	list := make([]*id, len(ids))
	for i := range ids {
		list[i] = (*id)(&ids[i])
	}
	return list
}
