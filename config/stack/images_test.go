//go:build docker

package stack_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"invitebridge/kratos/kratostest"
)

// Names of the stand-in images. They are kept for the next run.
const (
	standInGo     = "invitebridge-standin/go"
	standInKratos = "invitebridge-standin/kratos"
	standInMail   = "invitebridge-standin/mail"
	standInUI     = "invitebridge-standin/ui"
)

// choice is a third-party image of a Compose file.
type choice struct {
	variable, reference string // what selects another image, and which is the default
	standIn             func() string
}

// services returns what the Compose files say of each service.
func (s *stack) services() map[string]service {
	s.t.Helper()
	var file struct{ Services map[string]service }
	if err := yaml.Unmarshal([]byte(s.do("config")), &file); err != nil {
		s.t.Fatal(err)
	}
	return file.Services
}

type service struct {
	Image string
	Build struct{ Args map[string]string }
}

// chooseImages chooses the images of docker-compose.yml.
func (s *stack) chooseImages() {
	s.t.Helper()
	services := s.services()
	s.choose(
		choice{"GO_IMAGE", services["invitebridge"].Build.Args["GO_IMAGE"], s.goImage},
		choice{"KRATOS_IMAGE", services["kratos"].Image, s.kratosImage},
		choice{"MAIL_IMAGE", services["mail"].Image, func() string { return s.programImage(standInMail, "bridge/mail/mailtest/mailcatcher") }},
		choice{"UI_IMAGE", services["ui"].Image, func() string { return s.programImage(standInUI, "cmd/demo/selfservice/server") }},
	)
}

// chosen has the stand-ins for images that could not be pulled, which all tests share.
var chosen = map[string]string{}

// choose pulls images. For one that cannot be pulled it builds a stand-in from this
// machine's files, and selects it with the variable that the Compose file has for it.
func (s *stack) choose(images ...choice) {
	s.t.Helper()
	for _, image := range images {
		if image.reference == "" {
			s.t.Fatalf("the Compose files have no image that is selected by %s", image.variable)
		}
		if _, err := s.try("docker", "image", "inspect", image.reference); err == nil {
			continue
		}
		if chosen[image.reference] == "" {
			if _, err := s.try("docker", "pull", "-q", image.reference); err == nil {
				continue
			}
			chosen[image.reference] = image.standIn()
		}
		s.environ = append(s.environ, image.variable+"="+chosen[image.reference])
		s.t.Logf("%s cannot be pulled; using the stand-in %s", image.reference, chosen[image.reference])
	}
}

// goImage builds an image with this machine's Go toolchain, a shell, the modules,
// because a build may have no network, and the compiled dependencies, because
// compiling them in a container takes minutes.
func (s *stack) goImage() string {
	r := &rootfs{t: s.t}
	r.dir("/tmp", 0o1777, 0)
	r.certificates()
	for _, name := range []string{"sh", "mkdir"} {
		found, err := exec.LookPath(name)
		if err != nil {
			s.t.Fatal(err)
		}
		r.program("/bin/"+name, found)
	}
	r.tree("/usr/local/go", s.goEnv("GOROOT"), func(name string) bool {
		top, _, _ := strings.Cut(name, "/")
		return top != "api" && top != "doc" && top != "misc" && top != "test" && !strings.Contains(name, "/testdata/")
	})
	r.tree("/proxy", s.modules(), func(name string) bool {
		extension := path.Ext(name)
		return extension == ".info" || extension == ".mod" || extension == ".zip"
	})
	r.late = func() { r.tree("/cache", s.buildCache(), func(string) bool { return true }) }
	return r.image(s, standInGo, "ENV PATH=/usr/local/go/bin:/bin", "ENV GOTOOLCHAIN=local", "ENV GOPROXY=file:///proxy", "ENV GOSUMDB=off",
		"ENV GOCACHE=/cache")
}

// modules returns a directory that is a module proxy with the dependencies of this
// module only.
func (s *stack) modules() string {
	s.t.Helper()
	cache := filepath.Join(s.t.TempDir(), "mod")
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir = s.root
	here := "file://" + filepath.ToSlash(filepath.Join(s.goEnv("GOMODCACHE"), "cache", "download"))
	cmd.Env = append(os.Environ(), "GOMODCACHE="+cache, "GOPROXY="+here+","+s.goEnv("GOPROXY"), "GOFLAGS=-modcacherw")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("go mod download: %v\n%s", err, out)
	}
	return filepath.Join(cache, "cache", "download")
}

// buildCache returns a Go build cache with all dependencies of the binary, without
// the packages of this module.
func (s *stack) buildCache() string {
	s.t.Helper()
	cache := s.t.TempDir()
	run := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir = s.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOCACHE="+cache)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			s.t.Fatalf("go %s: %v", args[0], err)
		}
		return string(out)
	}
	others := strings.Fields(run("list", "-deps", "-f", "{{if not (and .Module .Module.Main)}}{{.ImportPath}}{{end}}", "./cmd/invitebridge"))
	run(append([]string{"build", "-trimpath", "-buildvcs=false"}, others...)...)
	return cache
}

// kratosImage builds an image with the Kratos of the other tests and the layout of
// Ory's image.
func (s *stack) kratosImage() string {
	binary, err := kratostest.Build(s.t.Context(), os.Stderr)
	if err != nil {
		s.t.Fatal(err)
	}
	const user = 10000
	r := &rootfs{t: s.t}
	r.dir("/tmp", 0o1777, 0)
	r.dir("/var/lib/sqlite", 0o755, user)
	r.certificates()
	r.program("/usr/bin/kratos", binary)
	return r.image(s, standInKratos, "ENV PATH=/usr/bin", "USER 10000", "VOLUME /var/lib/sqlite", `ENTRYPOINT ["kratos"]`, `CMD ["serve"]`)
}

// programImage builds an image with a program of this module as its entrypoint.
func (s *stack) programImage(name, pkg string) string {
	s.t.Helper()
	binary := filepath.Join(s.t.TempDir(), path.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "invitebridge/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("go build: %v\n%s", err, out)
	}
	r := &rootfs{t: s.t}
	r.copy("/program", binary)
	return r.image(s, name, `ENTRYPOINT ["/program"]`)
}

// certificates adds the certificates that this machine trusts.
func (r *rootfs) certificates() {
	r.copy("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt")
}

func (s *stack) goEnv(name string) string {
	s.t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
