//go:build docker

// Package release_test installs the packages that "make snapshot" built in a
// Debian that runs systemd, beside a real Kratos, and runs the service. "make
// packages" runs it.
//
// It needs docker, and once, as root, debootstrap and a mirror of Debian.
package release_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

const (
	apiKey  = "a-key-of-the-package-test"
	doctor  = "invitebridge doctor -c /etc/invitebridge/invitebridge.yml -c /etc/invitebridge/secrets.yml"
	running = "systemctl is-active invitebridge"
	starts  = "systemctl is-enabled invitebridge"
)

var secrets = fmt.Sprintf("serve: { admin: { api_keys: [ { name: backend, key_sha256: %x } ] } }\n", sha256.Sum256([]byte(apiKey)))

// TestDeb goes the way of an administrator: install, configure, start, invite,
// reload, upgrade, stop, remove, purge.
func TestDeb(t *testing.T) {
	deb := built(t, "*_"+runtime.GOARCH+".deb")
	d := newDebian(t, map[string]string{"/root/invitebridge.deb": deb, "/opt/kratos": kratosRoot(t)})
	d.startKratos()

	// Fresh: nothing runs, and the configuration is not for everyone.
	if out := d.run("dpkg -i /root/invitebridge.deb"); !strings.Contains(out, "It does not start by itself") {
		t.Errorf("dpkg -i prints %s", out)
	}
	d.expect(running, "inactive")
	d.expect(starts, "disabled")
	d.expectFiles()
	d.expect("dpkg --verify invitebridge", "")

	// As shipped it lacks an API key, and the journal says so.
	d.try("systemctl start invitebridge")
	d.await("journalctl --no-pager -u invitebridge | grep -q serve.admin.api_keys")
	if out := d.try("journalctl --no-pager -u invitebridge"); !strings.Contains(out, "serve.admin.api_keys") {
		t.Errorf("journal: %s", out)
	}

	d.serve()
	pid := d.run("systemctl show -p MainPID --value invitebridge")

	// An upgrade keeps the configuration and restarts what runs.
	d.run("dpkg -i /root/invitebridge.deb")
	d.await("invitebridge health")
	if got := d.run("systemctl show -p MainPID --value invitebridge"); got == pid {
		t.Error("an upgrade does not restart the bridge")
	}
	d.expect("cat /etc/invitebridge/secrets.yml", strings.TrimSpace(secrets))
	d.expectInvitation()
	d.compact()

	d.run("systemctl stop invitebridge")
	d.expect(running, "inactive")
	d.expect("systemctl show -p Result --value invitebridge", "success")
	d.run("dpkg -i /root/invitebridge.deb")
	d.expect(running, "inactive") // an upgrade starts nothing that was stopped
	d.run("systemctl start invitebridge")
	d.await("invitebridge health")

	d.run("dpkg -r invitebridge")
	d.expect(running, "inactive")
	d.expect("ls /usr/bin/invitebridge /usr/lib/systemd/system/invitebridge.service /etc/systemd/system/multi-user.target.wants 2>/dev/null | grep invitebridge", "")
	d.expect("ls /etc/invitebridge", "invitebridge.yml\nsecrets.yml")
	if out := d.run("dpkg -P invitebridge"); !strings.Contains(out, "were kept") {
		t.Errorf("dpkg -P prints %s", out)
	}
	d.expect("ls -d /etc/invitebridge 2>/dev/null", "")
	d.expect("ls /var/lib/invitebridge", "invites.db")

	// Reinstalled, it has the invitations of before.
	d.run("dpkg -i /root/invitebridge.deb")
	d.expectFiles()
	d.write("/etc/invitebridge/secrets.yml", secrets)
	d.run("systemctl start invitebridge")
	d.await("invitebridge health")
	d.expectInvitation()
}

// TestRPM installs the .rpm with rpm itself, on the same Debian: there is no image
// of another distribution available without a registry.
func TestRPM(t *testing.T) {
	rpm := built(t, "*."+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+".rpm")
	d := newDebian(t, map[string]string{"/root/invitebridge.rpm": rpm, "/opt/kratos": kratosRoot(t)})
	d.startKratos()
	// Debian's rpm does not know the packages of Debian, and wants to be forced.
	const install = "rpm --force-debian --nodeps --replacepkgs -U /root/invitebridge.rpm"
	if out := d.run(install); !strings.Contains(out, "It does not start by itself") {
		t.Errorf("rpm prints %s", out)
	}
	d.expect(running, "inactive")
	d.expectFiles()
	d.expect("rpm -V --nodeps invitebridge", "")
	d.serve()
	d.run(install)
	d.await("invitebridge health")
	d.expectInvitation()
	d.run("rpm --force-debian -e invitebridge")
	d.expect(running, "inactive")
	d.expect("ls /usr/bin/invitebridge 2>/dev/null", "")
	d.expect("ls /etc/invitebridge", "secrets.yml.rpmsave")
	d.expect("ls /var/lib/invitebridge", "invites.db")
}

// TestAPK runs the service of the .apk under Debian's OpenRC. The package is
// unpacked by tar, and its script is run with Debian's names for Alpine's tools:
// apk itself, and Alpine, are not tested.
func TestAPK(t *testing.T) {
	apk := built(t, "*_"+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+".apk")
	d := newDebian(t, map[string]string{"/root/invitebridge.apk": apk}, "sh", "-c", "while sleep 1; do :; done") // reaps, as init does
	d.run(`mkdir /root/apk && cd /root/apk && tar --ignore-zeros --warning=none -xzf /root/invitebridge.apk
		groupadd --system invitebridge && useradd --system --gid invitebridge --no-create-home invitebridge
		for script in .pre-install .post-install .post-upgrade .pre-deinstall .post-deinstall; do sh -n $script; done
		tar --ignore-zeros --warning=none -C / --exclude='.*' -xzpf /root/invitebridge.apk etc usr
		mkdir /run/openrc && cd /run/openrc && touch softlevel
		mkdir daemons exclusive failed hotplugged inactive options scheduled started starting stopped stopping tmp wasinactive
		ln -sf /bin/true /usr/bin/logger`)
	d.expectConfiguration()
	d.expect("ls /usr/lib/systemd/system/invitebridge.service 2>/dev/null", "")
	if out := d.try("rc-service --nodeps invitebridge start"); !strings.Contains(out, "serve.admin.api_keys") {
		t.Errorf("without an API key: %s", out)
	}
	d.write("/etc/invitebridge/secrets.yml", secrets)
	d.run("rc-service --nodeps invitebridge start")
	d.await("test -e /var/lib/invitebridge/invites.db")
	d.expect("stat -c %U:%a /var/lib/invitebridge /var/lib/invitebridge/invites.db", "invitebridge:700\ninvitebridge:600")
	d.run("rc-service --nodeps invitebridge reload")
	d.run("rc-service --nodeps invitebridge status")
	if out := d.run("sh /root/apk/.post-install"); !strings.Contains(out, "rc-update add invitebridge") {
		t.Errorf("the package prints %s", out)
	}
	d.run("rc-update add invitebridge default")
	d.run("sh /root/apk/.pre-deinstall 1.0.0")
	d.expect("rc-service --nodeps invitebridge status >/dev/null 2>&1; echo $?", "3")
	d.expect("ls /etc/runlevels/default | grep invitebridge", "")
	if out := d.run("sh /root/apk/.post-deinstall"); !strings.Contains(out, "were kept") {
		t.Errorf("the package prints %s", out)
	}
}

func (d *debian) startKratos() {
	d.t.Helper()
	d.await("systemctl is-system-running | grep -E 'running|degraded'")
	d.write("/etc/systemd/system/kratos.service", kratosUnit)
	d.run("systemctl daemon-reload && systemctl start kratos")
}

// serve configures the bridge, starts it, and invites Ada.
func (d *debian) serve() {
	d.t.Helper()
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Log(d.try("journalctl --no-pager -n 100 -u invitebridge -u kratos"))
		}
	})
	d.write("/etc/invitebridge/secrets.yml", secrets)
	d.await(doctor + " >/dev/null || test $? = 1") // no mail server is configured
	d.run("systemctl reset-failed invitebridge 2>/dev/null || true; systemctl enable --now invitebridge")
	d.await("invitebridge health")
	d.expect(starts, "enabled")
	d.expect("stat -c %U /proc/$(systemctl show -p MainPID --value invitebridge)", "invitebridge")
	d.expect("stat -c '%a %U' /var/lib/invitebridge /var/lib/invitebridge/invites.db", "700 invitebridge\n600 invitebridge")
	d.run("INVITEBRIDGE_API_KEY=" + apiKey + " invitebridge create invitation ada@example.com")
	d.expectInvitation()
	d.run("systemctl reload invitebridge")
	d.run("invitebridge health")
	d.expect(running, "active")
}

// compact follows the guide to a file that shrinks.
func (d *debian) compact() {
	d.t.Helper()
	guide, err := os.ReadFile("../../docs/production.md")
	_, commands, found := strings.Cut(string(guide), "### A file that shrinks")
	_, commands, _ = strings.Cut(commands, "```sh\n")
	commands, _, ended := strings.Cut(commands, "```")
	if err != nil || !found || !ended {
		d.t.Fatalf("the guide has no commands: %v", err)
	}
	if out := d.run("set -e; " + commands); !strings.Contains(out, "bytes before") {
		d.t.Errorf("%s prints %s", commands, out)
	}
	d.await("invitebridge health")
	d.expect("stat -c '%a %U' /var/lib/invitebridge/invites.db", "600 invitebridge")
	d.expectInvitation()
}

func (d *debian) expectInvitation() {
	d.t.Helper()
	if out := d.run("INVITEBRIDGE_API_KEY=" + apiKey + " invitebridge list invitations"); !strings.Contains(out, "ada@example.com") || !strings.Contains(out, "pending") {
		d.t.Errorf("invitations: %s", out)
	}
}

// expectFiles checks the files that all packages for systemd have.
func (d *debian) expectFiles() {
	d.t.Helper()
	d.expectConfiguration()
	d.expect("getent passwd invitebridge | cut -d: -f6,7", "/var/lib/invitebridge:/usr/sbin/nologin")
	d.run("systemctl cat invitebridge | grep -q '^ExecStart=/usr/bin/invitebridge serve '")
}

func (d *debian) expectConfiguration() {
	d.t.Helper()
	d.expect("cd /etc && stat -c '%n %a %U %G' invitebridge invitebridge/*",
		"invitebridge 750 root invitebridge\ninvitebridge/invitebridge.yml 640 root invitebridge\ninvitebridge/secrets.yml 640 root invitebridge")
	d.run("cd /usr/share/doc/invitebridge && test -s copyright && grep -q go.etcd.io/bbolt THIRD_PARTY_LICENSES && test -s examples/invitebridge.yml")
	d.run("test -s /usr/share/bash-completion/completions/invitebridge")
	if out := d.run("invitebridge version"); !strings.HasPrefix(out, "v") || !strings.Contains(out, "\ncommit  ") {
		d.t.Errorf("version: %s", out)
	}
}
