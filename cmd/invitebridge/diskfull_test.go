package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"invitebridge/kratos/kratostest"
)

// TestDiskFull has no more room for the store, and then has some again: what
// stands in for a full disk is the limit on the size of a file.
func TestDiskFull(t *testing.T) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kratos.Close)
	p := newProcess(t, kratos.URL, "")
	p.wrap = func(args ...string) *exec.Cmd {
		return exec.Command("sh", append([]string{"-c", `trap "" XFSZ; ulimit -S -f 4096; exec "$@"`, "sh"}, args...)...) // in blocks of 512 bytes, or of 1 KiB
	}
	p.start(t)
	defer p.kill(t)
	invite := func(i int) answer {
		a, err := send(t.Context(), http.MethodPost, p.admin+base+"/", object{"email": fmt.Sprintf("u%d@example.com", i)}, "Authorization", "Bearer "+key)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ready := func() int {
		a, err := send(t.Context(), http.MethodGet, p.public+"/health/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		return a.status
	}
	var kept []string
	full := false
	for i := 0; !full && i < 20_000; i++ {
		switch a := invite(i); {
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
	eventually(t, func() bool { return ready() == http.StatusServiceUnavailable })

	var limit unix.Rlimit
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, nil, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return ready() == http.StatusOK })
	if a := invite(100_000); a.status != http.StatusCreated {
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
