//go:build linux

package main

import (
	"net/http"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"invitebridge/kratos/kratostest"
)

// TestDiskFull has no more room for the store, and then has some again: what
// stands in for a full disk is the limit on the size of a file.
func TestDiskFull(t *testing.T) {
	p, _ := startUnderLimits(t)
	defer p.kill(t)
	p.limitFiles(t, 2<<20)
	var kept []string
	full := false
	for i := 0; !full && i < 20_000; i++ {
		switch a := p.invite(t, i); {
		case a.status == http.StatusCreated:
			kept = append(kept, a.body["id"].(string))
		case a.errorID() != "store_unavailable" || a.header.Get("Retry-After") == "":
			t.Fatalf("%d %s", a.status, a.text)
		default:
			full = true
		}
	}
	if !full {
		t.Fatal("the disk did not fill")
	}
	eventually(t, func() bool { return p.ready(t) == http.StatusServiceUnavailable })
	p.limitFiles(t, unix.RLIM_INFINITY)
	eventually(t, func() bool { return p.ready(t) == http.StatusOK })
	if a := p.invite(t, 100_000); a.status != http.StatusCreated {
		t.Errorf("with room again: %d %s", a.status, a.text)
	}
	for _, id := range kept {
		a, err := send(t.Context(), http.MethodGet, p.admin+base+"/"+id, nil, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%s was acknowledged: %d %s, %v", id, a.status, a.text, err)
		}
	}
	t.Logf("%d invitations were acknowledged before the disk was full, and none is lost", len(kept))
}

// TestReadOnlyDisk has every write to the store fail, as on a file system that
// has become read-only under a bridge that runs.
func TestReadOnlyDisk(t *testing.T) {
	p, kratos := startUnderLimits(t)
	defer p.kill(t)
	link := p.public + base + "/" + token(p.invite(t, 0).body)
	accept := func() answer { return p.send(t, http.MethodPost, link, object{"password": password}) }

	p.limitFiles(t, 0)
	for i := range 20 {
		for name, a := range map[string]answer{"invite": p.invite(t, 1+i), "accept": accept()} {
			if a.status != http.StatusServiceUnavailable || a.errorID() != "store_unavailable" || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", name, a.status, a.text)
			}
		}
	}
	eventually(t, func() bool { return p.ready(t) == http.StatusServiceUnavailable })
	if a := p.send(t, http.MethodGet, link, nil); a.status != http.StatusOK {
		t.Errorf("to look needs no write: %d %s", a.status, a.text)
	}
	if n, puts := kratos.Len(), kratos.Count(http.MethodPut, kratostest.RouteIdentity).Calls; n != 1 || puts != 0 {
		t.Errorf("%d identities and %d writes of a password, and nothing was answered with success", n, puts)
	}

	p.limitFiles(t, unix.RLIM_INFINITY)
	eventually(t, func() bool { return p.ready(t) == http.StatusOK })
	if a := accept(); a.status != http.StatusOK {
		t.Errorf("the token is not good any more: %d %s", a.status, a.text)
	}
	if a := p.invite(t, 1); a.status != http.StatusCreated {
		t.Errorf("afterwards: %d %s", a.status, a.text)
	}
}

// startUnderLimits starts a bridge whose files can be limited, at a fake Kratos.
func startUnderLimits(t *testing.T) (*process, *kratostest.Fake) {
	t.Helper()
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	p := newProcess(t, kratos.URL, "")
	p.wrap = underLimits
	p.start(t)
	return p, kratos
}

// underLimits has a write past the limit fail, and not end the process.
func underLimits(args ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", `trap "" XFSZ; exec "$@"`, "sh"}, args...)...)
}

// limitFiles says how large a file the process may write, in bytes.
func (p *process) limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(bytes, limit.Max)
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
}
