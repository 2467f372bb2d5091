package kratostest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/uuid"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

const envHelper = "KRATOSTEST_HELPER" // makes this binary the parent process to be killed

func TestMain(m *testing.M) {
	if os.Getenv(envHelper) != "" {
		os.Exit(helper())
	}
	os.Exit(kratostest.Main(m))
}

func person(state, email string) string {
	return fmt.Sprintf(`{"schema_id":"default","state":%q,"traits":{"email":%q}}`, state, email)
}

func freshEmail() string { return uuid.NewString() + "@example.com" }

func TestServer_SignIn(t *testing.T) {
	s := kratostest.Shared(t)
	email := freshEmail()
	id, err := s.Create(t.Context(), person("inactive", email))
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(password string, want error) {
		t.Helper()
		token, err := s.Login(t.Context(), strings.ToUpper(email), password)
		if !errors.Is(err, want) || (token == "") != (want != nil) {
			t.Errorf("token %q, error %v; want %v", token, err, want)
		}
	}
	signIn("correct horse", kratostest.ErrWrongPassword)
	if err := s.Activate(t.Context(), id, "correct horse"); err != nil {
		t.Fatal(err)
	}
	signIn("correct horse", nil)
	signIn("battery staple", kratostest.ErrWrongPassword)
	if err := s.Replace(t.Context(), id, person("inactive", email)); err != nil {
		t.Fatal(err)
	}
	signIn("correct horse", kratostest.ErrInactive)
	signIn("battery staple", kratostest.ErrWrongPassword)
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	signIn("correct horse", kratostest.ErrWrongPassword)
	var answer *kratostest.StatusError
	if _, err := s.Read(t.Context(), id); !errors.As(err, &answer) || answer.Status != 404 {
		t.Errorf("error is %v", err)
	}
}

func TestServer_Register(t *testing.T) {
	s := kratostest.Shared(t)
	for password, want := range map[string][]int{
		"correct horse":          nil,
		"short":                  {4000032},
		strings.Repeat("x", 73):  {4000033},
		"similar-to@example.com": {4000031},
	} {
		email := freshEmail()
		if want != nil && want[0] == 4000031 {
			email = password
		}
		got, err := s.Register(t.Context(), email, password)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v; want %v", password, got, err, want)
		}
		if want == nil {
			if err := s.SignIn(t.Context(), email, password); err != nil {
				t.Error(err)
			}
		}
	}
}

// A directory of an earlier run keeps its identities, and Stop leaves no child
// process and no open port.
func TestServer_restart(t *testing.T) {
	kratostest.SkipIfShort(t)
	o := kratostest.Options{Dir: filepath.Join(t.TempDir(), "kratos"), BcryptCost: 4, MinPasswordLength: 12}
	email := freshEmail()
	start := func() *kratostest.Server {
		s, err := kratostest.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	if got, err := s.Register(t.Context(), email, "elevenchars"); err != nil || !reflect.DeepEqual(got, []int{4000032}) {
		t.Errorf("a password of 11: %v, %v", got, err)
	}
	if _, err := s.Register(t.Context(), email, "correct horse battery"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, address := range []string{s.AdminURL, s.PublicURL} {
		if isOpen(t, address) {
			t.Errorf("%s is open", address)
		}
	}
	if err := s.SignIn(t.Context(), email, "correct horse battery"); err == nil {
		t.Error("signed in without a server")
	}
	s = start()
	if err := s.SignIn(t.Context(), email, "correct horse battery"); err != nil {
		t.Error(err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func isOpen(t *testing.T, address string) bool {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, testenv.Limit)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func TestStart_fails(t *testing.T) {
	kratostest.SkipIfShort(t)
	for name, o := range map[string]kratostest.Options{
		"no such binary": {Binary: filepath.Join(t.TempDir(), "none")},
		"not a Kratos":   {Binary: "false"},
		"bad setting":    {MinPasswordLength: 1},
		"taken port":     {AdminPort: 1, PublicPort: 1},
		"bad directory":  {Dir: "what?"},
	} {
		t.Run(name, func(t *testing.T) {
			o.LogLevel = "error"
			s, err := kratostest.Start(t.Context(), o)
			if err == nil {
				t.Error("it started")
				_ = s.Stop()
			}
		})
	}
}

// helper is the parent process of a Kratos. It prints the address and waits to
// be killed.
func helper() int {
	s, err := kratostest.Start(context.Background(), kratostest.Options{Dir: os.Getenv(envHelper), BcryptCost: 4})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.AdminURL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// Kratos does not outlive a parent that is killed.
func TestServer_parentKilled(t *testing.T) {
	kratostest.SkipIfShort(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can tie a child to its parent")
	}
	if _, err := kratostest.Build(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.CommandContext(t.Context(), self)
	parent.Env = append(os.Environ(), envHelper+"="+t.TempDir())
	parent.Stderr = os.Stderr
	stdin, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address = strings.TrimSpace(address)
	if !isOpen(t, address) {
		t.Fatalf("%s is not open", address)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	// This process cannot wait for a grandchild, so it polls the port.
	testenv.Eventually(t, "Kratos is gone", func() bool { return !isOpen(t, address) })
}
