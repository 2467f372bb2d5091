package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// keto answers the two requests of the guide as Ory Keto v26.2 does, which has the check on
// its read API and the creation on its write API.
type keto struct {
	*httptest.Server
	mu     sync.Mutex
	tuples map[tuple]bool
}

// tuple is a relationship of Keto.
type tuple struct {
	Namespace string `json:"namespace"`
	Object    string `json:"object"`
	Relation  string `json:"relation"`
	SubjectID string `json:"subject_id"`
}

func newKeto(t *testing.T) *keto {
	t.Helper()
	k := &keto{tuples: make(map[tuple]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /relation-tuples/check", k.check)
	mux.HandleFunc("PUT /admin/relation-tuples", k.create)
	k.Server = httptest.NewServer(mux)
	t.Cleanup(k.Close)
	return k
}

func (k *keto) check(w http.ResponseWriter, r *http.Request) {
	asked, ok := k.read(w, r)
	if !ok {
		return
	}
	k.mu.Lock()
	allowed := k.tuples[asked]
	k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !allowed {
		w.WriteHeader(http.StatusForbidden)
	}
	_ = json.NewEncoder(w).Encode(map[string]bool{"allowed": allowed})
}

func (k *keto) create(w http.ResponseWriter, r *http.Request) {
	created, ok := k.read(w, r)
	if !ok {
		return
	}
	k.mu.Lock()
	k.tuples[created] = true
	k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(created)
}

// read returns the relationship in a body. Without a subject, it answers 400.
func (*keto) read(w http.ResponseWriter, r *http.Request) (t tuple, ok bool) {
	if r.Header.Get("Content-Type") != "application/json" || json.NewDecoder(r.Body).Decode(&t) != nil || t.SubjectID == "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":{"code":400,"status":"Bad Request","message":"subject is not allowed to be nil"}}`))
		return t, false
	}
	return t, true
}

// forget deletes all relationships.
func (k *keto) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.tuples)
}
