package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"invitebridge/config"
)

// writeCertificate writes a self-signed certificate for 127.0.0.1 with a serial
// number, and its key.
func writeCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, filepath.Join(dir, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}

// TestTLS: both listeners serve HTTPS, and use a renewed certificate without a
// restart. A certificate that does not match its key changes nothing.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	encryption := fmt.Sprintf("tls: { cert: { path: %[1]s/tls.crt }, key: { path: %[1]s/tls.key } }", dir)
	b := startFakeBridge(t, "serve: { public: { "+encryption+" }, admin: { "+encryption+" } }")
	serial := func(address string) int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimPrefix(address, "http://"), &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if conn.ConnectionState().NegotiatedProtocol != "h2" {
			t.Error("no HTTP/2")
		}
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	for _, address := range []string{b.public, b.admin} {
		if n := serial(address); n != 1 {
			t.Errorf("serial %d", n)
		}
		if got := b.call(http.MethodGet, address+"/health/alive", nil); got.status != http.StatusBadRequest {
			t.Errorf("plain HTTP: %d %s", got.status, got.text)
		}
		old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11} // must be rejected
		if _, err := tls.Dial("tcp", strings.TrimPrefix(address, "http://"), old); err == nil {
			t.Error("TLS 1.1 is accepted")
		}
	}
	pool = writeCertificate(t, dir, 2)
	b.reload(reloaded)
	if n := serial(b.public); n != 2 {
		t.Errorf("serial %d after the renewal", n)
	}
	write(t, filepath.Join(dir, "tls.key"), "no key")
	b.reload(kept)
	if n := serial(b.admin); n != 2 {
		t.Errorf("serial %d after the mistake", n)
	}
}

// TestUnixSockets: both listeners on sockets; the command line uses one, and the
// other trusts a proxy's X-Forwarded-For.
func TestUnixSockets(t *testing.T) {
	dir := t.TempDir()
	public, admin := filepath.Join(dir, "public.sock"), filepath.Join(dir, "admin.sock")
	left, err := net.Listen("unix", public) // the stale socket of a dead process
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = left.Close()
	b := startFakeBridge(t, fmt.Sprintf(`serve:
  public: { host: "unix:%s", trusted_proxies: [ "unix:" ], socket: { mode: 0o660 }, rate_limit: { requests: 1, window: 1h } }
  admin: { host: "unix:%s", socket: { owner: "%d", mode: 0o600 } }`, public, admin, os.Getuid()))
	for path, mode := range map[string]os.FileMode{public: 0o660, admin: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	var out strings.Builder
	code := run(t.Context(), []string{"create", "invitation", "ada@example.com", "--format", "json", "-e", "unix:" + admin},
		[]string{envAPIKey + "=" + key}, stdio{out: &out, err: os.Stderr})
	if code != exitOK || !strings.Contains(out.String(), "invitation_token") {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	var issued object
	decode(t, out.String(), &issued)
	// The rate limit is one request per client.
	for i, want := range []int{400, 429, 400} {
		if got := post(t, public, base+"/"+token(issued), []string{"10.0.0.1", "10.0.0.1", "10.0.0.2"}[i]); got != want {
			t.Errorf("request %d: %d", i, got)
		}
	}
	if log := b.log.String(); !strings.Contains(log, `"client_ip":"10.0.0.2"`) {
		t.Error(log)
	}
	if _, err := listenUnix(t.Context(), public, socketOf(0o600)); err == nil {
		t.Error("a socket in use was removed")
	}
	b.stop()
	if left, err := filepath.Glob(filepath.Join(dir, "*.sock")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// post sends a weak password through a socket, as a proxy does.
func post(t *testing.T, socket, path, client string) int {
	t.Helper()
	through := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer through.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost"+path, strings.NewReader(`{"password":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", client)
	res, err := through.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// TestBusySocket: a socket in use is not removed if its process is too busy to
// accept connections.
func TestBusySocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "busy.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 8 { // more than its queue holds, so that the next one gets EAGAIN
		if conn, err := new(net.Dialer).DialContext(t.Context(), "unix", path); err == nil {
			defer conn.Close()
		}
	}
	if _, err := listenUnix(t.Context(), path, socketOf(0o600)); err == nil {
		t.Error("the socket was removed")
	}
}

func socketOf(mode config.Permissions) config.Socket { return config.Socket{Mode: mode} }
