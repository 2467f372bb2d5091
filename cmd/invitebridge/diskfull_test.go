//go:build linux

package main

import (
	"net/http"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"invitebridge/kratos/kratostest"
)

// TestDiskFull fills the disk and then frees space. A limit on file size simulates
// the full disk.
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
		t.Errorf("with space again: %d %s", a.status, a.text)
	}
	for _, id := range kept {
		a, err := send(t.Context(), http.MethodGet, p.admin+base+"/"+id, nil, "Authorization", "Bearer "+key)
		if err != nil || a.status != http.StatusOK {
			t.Fatalf("%s was acknowledged: %d %s, %v", id, a.status, a.text, err)
		}
	}
	t.Logf("%d invitations were acknowledged before the disk was full, and none is lost", len(kept))
}

// TestReadOnlyDisk makes every write to the store fail, as on a file system that
// becomes read-only while the bridge runs.
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
		t.Errorf("preview, which writes nothing: %d %s", a.status, a.text)
	}
	if n, puts := kratos.Len(), kratos.Count(http.MethodPut, kratostest.RouteIdentity).Calls; n != 1 || puts != 0 {
		t.Errorf("%d identities and %d writes of a password, although no request succeeded", n, puts)
	}

	p.limitFiles(t, unix.RLIM_INFINITY)
	eventually(t, func() bool { return p.ready(t) == http.StatusOK })
	if a := accept(); a.status != http.StatusOK {
		t.Errorf("the token is no longer valid: %d %s", a.status, a.text)
	}
	if a := p.invite(t, 1); a.status != http.StatusCreated {
		t.Errorf("afterwards: %d %s", a.status, a.text)
	}
}

// startUnderLimits starts a process whose file size can be limited, against a
// fake Kratos.
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

// underLimits ignores SIGXFSZ, so that a write beyond the limit fails instead of
// ending the process.
func underLimits(args ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", `trap "" XFSZ; exec "$@"`, "sh"}, args...)...)
}

// limitFiles limits the size, in bytes, of files that the process may write.
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
