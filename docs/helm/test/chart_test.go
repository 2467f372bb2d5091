package charttest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// deployments are the files in values; the first two are on bolt.
var (
	deployments = []string{"minimal", "everything", "postgres"}
	onBolt      = deployments[:2]
)

// TestLint is "helm lint --strict".
func TestLint(t *testing.T) {
	for _, name := range deployments {
		linter := lint.RunAll(chartDir, values(t, name), "identity")
		for _, m := range linter.Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// TestOneReplica: there is one replica with one volume claim, which is kept on
// uninstall, and no claim template for further replicas.
func TestOneReplica(t *testing.T) {
	for _, name := range onBolt {
		o := render(t, values(t, name))
		if *o.set.Spec.Replicas != 1 || len(o.set.Spec.VolumeClaimTemplates) != 0 {
			t.Errorf("%s: %d replicas, %d claims for each", name, *o.set.Spec.Replicas, len(o.set.Spec.VolumeClaimTemplates))
		}
		var claims []string
		for _, v := range o.set.Spec.Template.Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				claims = append(claims, v.PersistentVolumeClaim.ClaimName)
			}
		}
		if len(claims) != 1 || o.claims[claims[0]].Annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("%s: the Pod uses the claims %v, the chart creates %v", name, claims, o.claims)
		}
	}
}

func TestClaim(t *testing.T) {
	mode := func(o objects, name string) core.PersistentVolumeAccessMode {
		return o.claims[name].Spec.AccessModes[0]
	}
	if got := mode(render(t, values(t, "minimal")), "invitebridge"); got != core.ReadWriteOncePod {
		t.Errorf("by default the claim is %s", got)
	}
	if got := mode(render(t, values(t, "everything")), "invites"); got != core.ReadWriteOnce {
		t.Errorf("with ReadWriteOnce configured, the claim is %s", got)
	}
	o := render(t, values(t, "minimal", "persistence: {existingClaim: mine}"))
	volumes := o.set.Spec.Template.Spec.Volumes
	if len(o.claims) != 0 || volumes[1].PersistentVolumeClaim.ClaimName != "mine" {
		t.Errorf("with an existing claim the chart creates %v; the Pod has %v", o.claims, volumes)
	}
	if o := render(t, values(t, "minimal", "replicaCount: 0")); *o.set.Spec.Replicas != 0 {
		t.Error("the bridge cannot be stopped for a restore")
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, change, want string }{
		{"two replicas on bolt", "replicaCount: 2", "Several replicas need a dsn of postgres://"},
		{"no API key", "invitebridge: {config: {serve: {admin: {api_keys: []}}}}", "at least one key"},
		{"an unknown store", "invitebridge: {config: {dsn: 'mysql://u:canary@h/db'}}", "or begin with postgres://"},
		{"a store outside the volume", "invitebridge: {config: {dsn: 'bolt:///tmp/invites.db'}}", "dsn must name a file in"},
		{"a shared volume", "persistence: {accessMode: ReadWriteMany}", "accessMode"},
		{"an unknown key", "persistence: {accessModes: [ReadWriteOnce]}", "accessModes"},
		{"secrets in two places", "secret: {enabled: false, nameOverride: mine}", "what is under serve belongs in secrets.yml"},
		{"a weak metrics key", "serviceMonitor: {apiKey: short}", "apiKey"},
		{"a grace period that is too short", "statefulSet: {terminationGracePeriodSeconds: 5}", "terminationGracePeriodSeconds"},
	} {
		_, err := template(t, values(t, "minimal", c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want an error with %q, got %v", c.name, c.want, err)
		}
	}
	nameless := strings.Join([]string{"secret: {enabled: false}", "invitebridge: {config: {serve: {admin: {api_keys: null}}}}"}, "\n")
	if _, err := template(t, values(t, "minimal", nameless)); err == nil || !strings.Contains(err.Error(), "nameOverride must name") {
		t.Errorf("a Secret without a name: %v", err)
	}
}

// TestImage: without a tag, the chart runs the version of its release.
func TestImage(t *testing.T) {
	image := func(changes ...string) string {
		return render(t, values(t, "minimal", changes...)).set.Spec.Template.Spec.Containers[0].Image
	}
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	metadata := chart.Metadata
	if got := image(); got != "invitebridge:"+metadata.AppVersion || metadata.AppVersion != metadata.Version {
		t.Errorf("chart %s, appVersion %s, image %s", metadata.Version, metadata.AppVersion, got)
	}
	if got := image("image: {registry: registry.example.com, repository: team/bridge, tag: 1.2.3}"); got != "registry.example.com/team/bridge:1.2.3" {
		t.Errorf("image %s", got)
	}
}

// TestPodSecurity evaluates the Pod with the API server's own policy code.
func TestPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range deployments {
		pod := render(t, values(t, name)).pod()
		restricted := podsecurity.LevelVersion{Level: podsecurity.LevelRestricted, Version: podsecurity.LatestVersion()}
		for _, r := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !r.Allowed {
				t.Errorf("%s: %s: %s", name, r.ForbiddenReason, r.ForbiddenDetail)
			}
		}
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			if !*container.SecurityContext.ReadOnlyRootFilesystem || *pod.Spec.SecurityContext.RunAsUser != 65532 || *pod.Spec.AutomountServiceAccountToken {
				t.Errorf("%s: %+v %+v", name, container.SecurityContext, pod.Spec.SecurityContext)
			}
		}
	}
}

// TestPorts: container, probes and Services use the configured ports.
func TestPorts(t *testing.T) {
	for name, want := range map[string]map[string]int32{
		"minimal":    {"http-public": 4488, "http-admin": 4489},
		"everything": {"http-public": 5488, "http-admin": 5489},
		"postgres":   {"http-public": 4488, "http-admin": 4489},
	} {
		o := render(t, values(t, name))
		container := o.pod().Spec.Containers[0]
		owner, selector := o.name()
		got := map[string]int32{}
		for _, p := range container.Ports {
			got[p.Name] = p.ContainerPort
		}
		cfg := load(t, o)
		if !reflect.DeepEqual(got, want) || int(got["http-public"]) != cfg.Serve.Public.Port || int(got["http-admin"]) != cfg.Serve.Admin.Port {
			t.Errorf("%s: ports %v, configured %d and %d", name, got, cfg.Serve.Public.Port, cfg.Serve.Admin.Port)
		}
		for path, probe := range map[string]*core.Probe{
			"/health/alive": container.LivenessProbe, "/health/alive ": container.StartupProbe, "/health/ready": container.ReadinessProbe,
		} {
			get := probe.HTTPGet
			if get.Path != strings.TrimSpace(path) || get.Port != intstr.FromString("http-admin") || get.Scheme != core.URISchemeHTTP {
				t.Errorf("%s: a probe requests %+v", name, get)
			}
		}
		for service, port := range map[string]string{"-public": "http-public", "-admin": "http-admin"} {
			s, ok := o.services[owner+service]
			if !ok || s.Spec.Ports[0].TargetPort != intstr.FromString(port) || !selects(s.Spec.Selector, o.pod().Labels) {
				t.Errorf("%s: Service %s: %+v", name, service, s.Spec)
			}
		}
		if !selects(selector.MatchLabels, o.pod().Labels) {
			t.Errorf("%s: %s does not select its own Pod", name, owner)
		}
	}
	tls := render(t, values(t, "everything", "invitebridge: {config: {serve: {admin: {tls: {cert: {path: /c}, key: {path: /k}}}}}}"))
	if got := tls.set.Spec.Template.Spec.Containers[0].LivenessProbe.HTTPGet.Scheme; got != core.URISchemeHTTPS {
		t.Errorf("with TLS a probe uses %s", got)
	}
	if got := tls.monitors["invites"].Spec.Endpoints[0].Scheme; got.String() != "https" {
		t.Errorf("with TLS the monitor uses %s", got)
	}
}

func TestIngressAndPolicy(t *testing.T) {
	plain := render(t, values(t, "minimal"))
	if len(plain.ingress)+len(plain.policies)+len(plain.monitors) != 0 {
		t.Errorf("created by default: %v %v %v", plain.ingress, plain.policies, plain.monitors)
	}
	o := render(t, values(t, "everything"))
	for name, i := range o.ingress {
		backend := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service
		if s, ok := o.services[backend.Name]; !ok || backend.Name != name || s.Spec.Ports[0].Name != backend.Port.Name {
			t.Errorf("Ingress %s routes to %+v", name, backend)
		}
	}
	if len(o.ingress) != 2 || o.ingress["invites-public"].Spec.TLS[0].SecretName != "invite-tls" {
		t.Errorf("Ingress: %v", o.ingress)
	}
	rules := o.policies["invites"].Spec.Ingress
	if len(rules) != 2 || len(rules[0].From) != 0 || len(rules[1].From) != 1 || rules[1].Ports[0].Port.StrVal != "http-admin" {
		t.Errorf("policy: %+v", rules)
	}
	closed := render(t, values(t, "everything", "networkPolicy: {adminFrom: []}")).policies["invites"].Spec.Ingress
	if len(closed) != 1 || closed[0].Ports[0].Port.StrVal != "http-public" {
		t.Errorf("with no allowed peers, the policy is %+v", closed)
	}
}

func TestServiceMonitor(t *testing.T) {
	o := render(t, values(t, "everything"))
	m := o.monitors["invites"]
	admin := o.services["invites-admin"]
	if !selects(m.Spec.Selector.MatchLabels, admin.Labels) || selects(m.Spec.Selector.MatchLabels, o.services["invites-public"].Labels) {
		t.Errorf("the monitor selects %v, the admin Service has %v", m.Spec.Selector.MatchLabels, admin.Labels)
	}
	e := m.Spec.Endpoints[0]
	if e.Path != "/metrics/prometheus" || e.Port != admin.Spec.Ports[0].Name || e.Scheme.String() != "http" {
		t.Errorf("endpoint: %+v", e)
	}
	credentials := e.Authorization.Credentials
	key := o.secrets[credentials.Name].Data[credentials.Key]
	if e.Authorization.Type != "Bearer" || string(key) != "a-metrics-key-that-must-stay-secret" {
		t.Errorf("authorization: %+v, with the key %q", e.Authorization, key)
	}
	keys := load(t, o).Serve.Admin.APIKeys
	if last := keys[len(keys)-1]; last.Name != "prometheus" || last.Digest() != digest(key) || !slices.Equal(last.Scopes, []string{"metrics"}) {
		t.Errorf("the bridge does not have the monitor's key: %v", keys)
	}
}

// TestGracePeriod: the Pod's grace period covers the longest response, with the
// largest kratos.timeout, and closing the store.
func TestGracePeriod(t *testing.T) {
	const hooks, longestTimeout, close = 10 * time.Second, 60 * time.Second, 5 * time.Second
	grace := *render(t, values(t, "minimal")).set.Spec.Template.Spec.TerminationGracePeriodSeconds
	if got := time.Duration(grace) * time.Second; got < hooks+longestTimeout+close {
		t.Errorf("the Pod is killed after %v", got)
	}
}

func TestNotes(t *testing.T) {
	silent := render(t, values(t, "everything")).notes
	if strings.Contains(silent, "is not set") || !strings.Contains(silent, "the claim invites.") {
		t.Error(silent)
	}
	notes := render(t, values(t, "minimal",
		"{ingress: {public: {enabled: true}}, invitebridge: {config: {serve: {public: {base_url: null}}, kratos: {public_url: null}}}}")).notes
	for _, key := range []string{"base_url", "public_url", "trusted_proxies"} {
		if !strings.Contains(notes, key+" is not set") {
			t.Errorf("the notes do not mention %s:\n%s", key, notes)
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for name, value := range selector {
		if labels[name] != value {
			return false
		}
	}
	return len(selector) > 0
}

// mounted returns the path at which the container mounts a volume.
func mounted(t *testing.T, spec core.PodSpec, volume string) string {
	t.Helper()
	mounts := spec.Containers[0].VolumeMounts
	i := slices.IndexFunc(mounts, func(m core.VolumeMount) bool { return m.Name == volume })
	if i < 0 {
		t.Fatalf("%s is not mounted", volume)
	}
	return mounts[i].MountPath
}
