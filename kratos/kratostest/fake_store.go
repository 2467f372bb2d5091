package kratostest

import (
	"strings"
	"sync"

	"github.com/google/uuid"
)

type identifier struct{ method, value string }

// fakeStore stores identities and enforces unique identifiers
// and external ids. It returns
// copies; callers must not modify their JSON.
type fakeStore struct {
	mu         sync.Mutex
	identities map[uuid.UUID]*fakeIdentity
	taken      map[identifier]uuid.UUID
}

func newFakeStore() *fakeStore {
	return &fakeStore{identities: map[uuid.UUID]*fakeIdentity{}, taken: map[identifier]uuid.UUID{}}
}

func (s *fakeStore) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.identities)
}

func (s *fakeStore) byID(id uuid.UUID) (*fakeIdentity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copyOf(id)
}

func (s *fakeStore) copyOf(id uuid.UUID) (*fakeIdentity, bool) {
	i, ok := s.identities[id]
	if !ok {
		return nil, false
	}
	return i.copy(), true
}

// byIdentifier compares like Kratos: in lower case and without surrounding
// blanks, except for accounts of providers.
func (s *fakeStore) byIdentifier(method, value string) (*fakeIdentity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if method != methodOIDC && method != methodSAML {
		value = strings.ToLower(strings.TrimSpace(value))
	}
	id, ok := s.taken[identifier{method, value}]
	if !ok {
		return nil, false
	}
	return s.copyOf(id)
}

// find returns any identity for which is returns true.
func (s *fakeStore) find(is func(*fakeIdentity) bool) (*fakeIdentity, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, i := range s.identities {
		if is(i) {
			return s.copyOf(id)
		}
	}
	return nil, false
}

// insert reports whether all identifiers were free.
func (s *fakeStore) insert(i *fakeIdentity) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(i)
}

// insertAll inserts those identities whose identifiers are free, and returns the
// others. If undo is set and there are any, it inserts none.
func (s *fakeStore) insertAll(all []*fakeIdentity, undo bool) (taken map[uuid.UUID]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken = map[uuid.UUID]bool{}
	for _, i := range all {
		if !s.put(i) {
			taken[i.ID] = true
		}
	}
	if undo && len(taken) > 0 {
		for _, i := range all {
			s.drop(i.ID)
		}
	}
	return taken
}

// change runs edit on a copy and stores the copy if edit returns true and its
// identifiers are free.
func (s *fakeStore) change(id uuid.UUID, edit func(*fakeIdentity) bool) (found, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.copyOf(id)
	if !ok {
		return false, false
	}
	return true, edit(c) && s.put(c)
}

func (s *fakeStore) put(i *fakeIdentity) bool {
	for _, id := range i.identifiers() {
		if owner, taken := s.taken[id]; taken && owner != i.ID {
			return false
		}
	}
	if i.ExternalID != "" {
		for _, other := range s.identities {
			if other.ExternalID == i.ExternalID && other.ID != i.ID {
				return false
			}
		}
	}
	s.drop(i.ID)
	s.identities[i.ID] = i
	for _, id := range i.identifiers() {
		s.taken[id] = i.ID
	}
	return true
}

func (s *fakeStore) remove(id uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.identities[id]
	s.drop(id)
	return ok
}

func (s *fakeStore) drop(id uuid.UUID) {
	if old, ok := s.identities[id]; ok {
		for _, id := range old.identifiers() {
			delete(s.taken, id)
		}
		delete(s.identities, id)
	}
}
