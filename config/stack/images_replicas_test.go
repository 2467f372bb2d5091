//go:build docker

package stack_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	standInPostgres = "invitebridge-standin/postgres"
	standInProxy    = "invitebridge-standin/nginx"
)

// chooseReplicaImages chooses the images that docker-compose.postgres.yml adds.
func (s *stack) chooseReplicaImages() {
	s.t.Helper()
	services := s.services()
	s.choose(
		choice{"POSTGRES_IMAGE", services["postgres"].Image, s.postgresImage},
		choice{"PROXY_IMAGE", services["proxy"].Image, s.nginxImage},
	)
}

// postgresEntrypoint prepares the database as the image does that it stands for, as
// far as the Compose file relies on it.
const postgresEntrypoint = `#!/bin/sh
set -eu
data=/var/lib/postgresql/data
if [ ! -e $data/PG_VERSION ]; then
	printf %s "$POSTGRES_PASSWORD" | initdb -D $data -U "$POSTGRES_USER" --pwfile=/dev/stdin -A scram-sha-256 --locale=C -E UTF8
	echo "CREATE DATABASE $POSTGRES_USER" | postgres --single -D $data postgres
	echo "host all all all scram-sha-256" >> $data/pg_hba.conf
fi
exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp
`

// postgresImage builds an image with this machine's PostgreSQL.
func (s *stack) postgresImage() string {
	s.t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		s.t.Fatal("PostgreSQL is not installed")
	}
	bin := filepath.Dir(slices.Max(found))
	installed := filepath.Dir(bin)
	const user = 999
	r := &rootfs{t: s.t}
	r.dir("/tmp", 0o1777, 0)
	r.dir("/var/lib/postgresql/data", 0o700, user)
	r.text("/etc/passwd", "postgres:x:999:999::/var/lib/postgresql:/bin/sh\n", 0o644)
	r.text("/entrypoint.sh", postgresEntrypoint, 0o755)
	r.copy("/usr/share/zoneinfo/UTC", "/usr/share/zoneinfo/UTC")
	shell, err := exec.LookPath("sh")
	if err != nil {
		s.t.Fatal(err)
	}
	r.program("/bin/sh", shell)
	for _, name := range []string{"initdb", "postgres", "pg_isready"} {
		r.program(bin+"/"+name, filepath.Join(bin, name))
	}
	// Its compiler of queries is large, and optional.
	r.tree(installed+"/lib", installed+"/lib", func(name string) bool {
		return path.Ext(name) == ".so" && !strings.HasPrefix(name, "llvmjit")
	})
	share := "/usr/share/postgresql/" + filepath.Base(installed)
	r.tree(share, share, func(name string) bool { return !strings.HasPrefix(name, "man/") })
	return r.image(s, standInPostgres, "ENV PATH="+bin+":/bin", "ENV TZ=UTC", "USER 999", "VOLUME /var/lib/postgresql/data", `ENTRYPOINT ["/entrypoint.sh"]`)
}

// nginxImage builds an image with this machine's nginx.
func (s *stack) nginxImage() string {
	s.t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		s.t.Fatal(err)
	}
	r := &rootfs{t: s.t}
	r.dir("/tmp", 0o1777, 0)
	r.dir("/etc/nginx", 0o755, 0)
	r.program("/usr/bin/nginx", nginx)
	return r.image(s, standInProxy, "ENV PATH=/usr/bin")
}

// text adds a file with this content.
func (r *rootfs) text(path, content string, mode int64) {
	r.t.Helper()
	source := filepath.Join(r.t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(source, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.files = append(r.files, file{path: path, source: source, mode: mode})
}
