package charttest

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"invitebridge/config"
)

// load loads the configuration as the bridge in the Pod does: from the files in its
// arguments, which are in the volume, and from its environment.
func load(t *testing.T, o objects) config.Config {
	t.Helper()
	spec := o.pod().Spec
	dir := t.TempDir()
	for _, v := range spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil && source.ConfigMap.Name == o.config.Name {
				for file, text := range o.config.Data {
					write(t, dir, file, text)
				}
			}
			if source.Secret != nil {
				for _, item := range source.Secret.Items {
					write(t, dir, item.Path, string(o.secrets[source.Secret.Name].Data[item.Key]))
				}
			}
		}
	}
	container := spec.Containers[0]
	if container.Args[0] != "serve" {
		t.Fatalf("the Pod runs %v", container.Args)
	}
	var options config.Options
	for i, arg := range container.Args {
		if arg == "-c" {
			file, err := filepath.Rel(mounted(t, spec, "config"), container.Args[i+1])
			if err != nil {
				t.Fatal(err)
			}
			options.Files = append(options.Files, filepath.Join(dir, file))
		}
	}
	options.Environ = environ(t, o, container.Env)
	cfg, err := config.Load(options)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// environ returns the environment of a container, with the values of Secrets.
func environ(t *testing.T, o objects, env []core.EnvVar) (list []string) {
	t.Helper()
	for _, v := range env {
		if from := v.ValueFrom; from != nil {
			value, found := o.secrets[from.SecretKeyRef.Name].Data[from.SecretKeyRef.Key]
			if !found {
				t.Fatalf("%s is not in a Secret: %+v", v.Name, from.SecretKeyRef)
			}
			v.Value = string(value)
		}
		list = append(list, v.Name+"="+v.Value)
	}
	return list
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func digest(key []byte) [sha256.Size]byte { return sha256.Sum256(key) }

// TestConfig: ConfigMap and Secret together contain the configuration of the values,
// and the store is on the volume.
func TestConfig(t *testing.T) {
	for _, name := range deployments {
		given := values(t, name, "serviceMonitor: {apiKey: ''}")
		o := render(t, given)
		got := load(t, o)

		whole, err := yaml.Marshal(given["invitebridge"].(map[string]any)["config"])
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "whole.yml")
		write(t, filepath.Dir(file), filepath.Base(file), "kratos: {admin_url: http://kratos-admin}")
		write(t, filepath.Dir(file), "given.yml", string(whole))
		options := config.Options{Files: []string{file, filepath.Join(filepath.Dir(file), "given.yml")}}
		options.Environ = environ(t, o, o.pod().Spec.Containers[0].Env)
		want, err := config.Load(options)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the Pod reads %+v\nthe values contain %+v", name, got, want)
		}
		if o.set == nil {
			continue
		}
		if store := mounted(t, o.set.Spec.Template.Spec, "store"); filepath.Dir(got.BoltPath()) != store {
			t.Errorf("%s: the store is %s, the volume is mounted at %s", name, got.BoltPath(), store)
		}
	}
}

// TestSecrets: secret values are in Secrets only.
func TestSecrets(t *testing.T) {
	for _, name := range deployments {
		o := render(t, values(t, name))
		for kind, object := range map[string]any{
			"ConfigMap": o.config, "StatefulSet": o.set, "Deployment": o.deploy, "ServiceMonitor": o.monitors, "Service": o.services, "NOTES": o.notes,
		} {
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "must-stay-secret") || strings.Contains(string(text), "whsec_") {
				t.Errorf("%s: a secret is in the %s: %s", name, kind, text)
			}
		}
		owner, _ := o.name()
		secret := o.secrets[owner]
		if secret.Type != core.SecretTypeOpaque || !strings.Contains(string(secret.Data["secrets.yml"]), "must-stay-secret") {
			t.Errorf("%s: the Secret has %v", name, secret.Data)
		}
	}
	o := render(t, values(t, "minimal", "{secret: {enabled: false, nameOverride: mine}, invitebridge: {config: {serve: {admin: {api_keys: null}}}}}"))
	if projected := o.set.Spec.Template.Spec.Volumes[0].Projected; len(o.secrets) != 0 || projected.Sources[1].Secret.Name != "mine" {
		t.Errorf("with an existing Secret: created %v, mounted %v", o.secrets, projected)
	}
}

// TestRestart: only changes that the bridge does not apply while running restart
// the Pod.
func TestRestart(t *testing.T) {
	sum := func(change string) string {
		return render(t, values(t, "everything", change)).set.Spec.Template.Annotations["checksum/config"]
	}
	before := sum("{}")
	for change, restarts := range map[string]bool{
		"{hooks: []}": false,
		"{clients: {http: {disallow_private_ip_ranges: false}}}":           false,
		"{courier: {smtp: {connection_uri: 'smtp://other:25/'}}}":          false,
		"{courier: {smtp: {from_name: Other}}}":                            false,
		"{serve: {admin: {api_keys: [{name: a, key: 0123456789abcdef}]}}}": false,
		"{log: {level: info}}":                                             false,
		"{log: {format: json}}":                                            true,
		"{serve: {public: {port: 6000}}}":                                  true,
		"{kratos: {admin_token: another}}":                                 true,
		"{invitation: {lifespan: 48h}}":                                    true,
		"{dsn: 'bolt:///var/lib/invitebridge/b.db'}":                       true,
	} {
		if got := sum("invitebridge: {config: "+change+"}") != before; got != restarts {
			t.Errorf("%s: restart %v, want %v", change, got, restarts)
		}
	}
}

// documented returns a block of values in the guide, counted from 0, with its
// ellipses filled in.
func documented(t *testing.T, n int) map[string]any {
	t.Helper()
	guide, err := os.ReadFile("../../kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(guide), "```yaml\n")[1:]
	if n >= len(blocks) {
		t.Fatal("the guide shows no such values")
	}
	text, _, _ := strings.Cut(blocks[n], "```")
	shown := strings.NewReplacer(
		"key_sha256: …", "key_sha256: "+strings.Repeat("0a", 32),
		"smtps://…", "smtps://mail.example.com",
		"apiKey: …", "apiKey: 0123456789abcdef",
		"invitebridge:…@", "invitebridge:a-password@",
	).Replace(text)
	given := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(shown), &given); err != nil {
		t.Fatal(err)
	}
	return given
}

// TestDocumentedValues: the values in the guide produce a deployment, and in addition
// to them those for PostgreSQL do.
func TestDocumentedValues(t *testing.T) {
	given := documented(t, 0)
	for i := range 2 {
		if i == 1 {
			given = loader.MergeMaps(given, documented(t, 1))
		}
		o := render(t, given)
		if cfg := load(t, o); len(cfg.Serve.Admin.APIKeys) != 2 || len(o.monitors) != 1 || len(o.ingress) != 1 || (o.deploy != nil) != (i == 1) || (cfg.PostgresDSN() != "") != (i == 1) {
			t.Errorf("the guide's values produce %+v and %v", cfg.Serve.Admin.APIKeys, o)
		}
		if strings.Contains(o.notes, "is not set") {
			t.Error(o.notes)
		}
	}
}
