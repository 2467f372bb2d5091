package charttest

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const ownSecret = "postgresql: {existingSecret: database}"

// TestReplicas: on PostgreSQL there are two replicas, which an upgrade or the
// draining of a node never stops at once, and nothing on a node's disk.
func TestReplicas(t *testing.T) {
	o := render(t, values(t, "postgres"))
	spec, pod := o.deploy.Spec, o.pod().Spec
	rolling := spec.Strategy.RollingUpdate
	if *spec.Replicas != 2 || *rolling.MaxUnavailable != intstr.FromInt32(0) || *rolling.MaxSurge != intstr.FromInt32(1) {
		t.Errorf("%d replicas, strategy %+v", *spec.Replicas, rolling)
	}
	if len(o.claims) != 0 {
		t.Errorf("claims: %v", o.claims)
	}
	for _, v := range pod.Volumes {
		if v.PersistentVolumeClaim != nil || v.EmptyDir != nil || v.HostPath != nil {
			t.Errorf("the Pod has the volume %+v", v)
		}
	}
	budget, found := o.budgets["invitebridge"]
	if !found || *budget.Spec.MaxUnavailable != intstr.FromInt32(1) || !selects(budget.Spec.Selector.MatchLabels, o.pod().Labels) {
		t.Errorf("budget: %+v", o.budgets)
	}
	var spread []string
	for _, c := range pod.TopologySpreadConstraints {
		spread = append(spread, c.TopologyKey)
		if c.WhenUnsatisfiable != core.ScheduleAnyway || !selects(c.LabelSelector.MatchLabels, o.pod().Labels) {
			t.Errorf("constraint: %+v", c)
		}
	}
	if strings.Join(spread, " ") != "kubernetes.io/hostname topology.kubernetes.io/zone" {
		t.Errorf("replicas are spread over %v", spread)
	}
	// The delay does not shorten what the bridge has for its requests.
	delay := pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds
	if bolt := *render(t, values(t, "minimal")).pod().Spec.TerminationGracePeriodSeconds; delay != 5 || *pod.TerminationGracePeriodSeconds != bolt+delay {
		t.Errorf("delay %d s, grace period %d s", delay, *pod.TerminationGracePeriodSeconds)
	}
	files, err := templateFor(t, "v1.29.0", values(t, "postgres"))
	if text := files["invitebridge/templates/deployment.yaml"]; err != nil || !strings.Contains(text, "terminationGracePeriodSeconds: 75\n") || strings.Contains(text, "preStop") {
		t.Errorf("with a Kubernetes that has no delay: %v\n%s", err, text)
	}
	if policy := o.policies["invitebridge"].Spec; len(policy.Egress) != 0 || len(policy.PolicyTypes) != 1 {
		t.Errorf("the policy restricts connections to the database: %+v", policy)
	}
	if !strings.Contains(o.notes, "deployment/invitebridge") || !strings.Contains(o.notes, "Back up the database") {
		t.Error(o.notes)
	}

	o = render(t, values(t, "postgres", "{replicaCount: 1, deployment: {preStopSeconds: 0, topologySpreadConstraints: [{topologyKey: rack, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}}"))
	if len(o.budgets) != 0 {
		t.Errorf("one replica has the budget %+v", o.budgets)
	}
	if pod := o.pod().Spec; *o.deploy.Spec.Replicas != 1 || pod.Containers[0].Lifecycle != nil || pod.TopologySpreadConstraints[0].TopologyKey != "rack" {
		t.Errorf("%+v", o.deploy.Spec)
	}
}

// TestMigration: each Pod migrates the database that it serves before it starts,
// unless that is done otherwise.
func TestMigration(t *testing.T) {
	o := render(t, values(t, "postgres"))
	pod := o.pod().Spec
	migrate, serve := pod.InitContainers[0], pod.Containers[0]
	if got := strings.Join(migrate.Args, " "); got != "migrate sql -e --yes" || migrate.Image != serve.Image {
		t.Errorf("%s runs %s", migrate.Image, got)
	}
	for _, c := range []core.Container{migrate, serve} {
		if got := environ(t, o, c.Env); len(got) != 2 || !strings.HasPrefix(got[0], "INVITEBRIDGE_DSN=postgres://invitebridge:") || got[1] != "PGSSLROOTCERT=/etc/ssl/db/ca.crt" {
			t.Errorf("%s has the variables %v", c.Name, got)
		}
		if mounts := c.VolumeMounts; mounts[len(mounts)-1].Name != "ca" {
			t.Errorf("%s does not mount the certificate of the database: %v", c.Name, mounts)
		}
	}
	o = render(t, values(t, "postgres", "postgresql: {migrate: {existingSecret: owner, existingSecretKey: url}}"))
	pod = o.pod().Spec
	if got := reference(pod.InitContainers[0]); got != "owner/url" || reference(pod.Containers[0]) != "invitebridge/dsn" {
		t.Errorf("a DSN for migrations: %s", got)
	}
	if o := render(t, values(t, "postgres", "postgresql: {migrate: {enabled: false}}")); len(o.pod().Spec.InitContainers) != 0 {
		t.Error("the Pod migrates though that is off")
	}
}

// TestOwnSecret: the DSN can be in a Secret of the user, so that no values hold it.
func TestOwnSecret(t *testing.T) {
	o := render(t, values(t, "minimal", ownSecret))
	pod := o.pod().Spec
	if got := reference(pod.Containers[0]); *o.deploy.Spec.Replicas != 2 || got != "database/dsn" || reference(pod.InitContainers[0]) != got {
		t.Errorf("%d replicas, dsn from %s", *o.deploy.Spec.Replicas, got)
	}
	if strings.Contains(o.config.Data["invitebridge.yml"], "dsn") || len(o.secrets["invitebridge"].Data["dsn"]) != 0 {
		t.Error("there is another dsn")
	}
	const noSecrets = "{secret: {enabled: false, nameOverride: mine}, invitebridge: {config: {serve: {admin: {api_keys: null}}}}, serviceMonitor: {apiKey: ''}}"
	o = render(t, values(t, "minimal", noSecrets, "postgresql: {existingSecret: mine, existingSecretKey: url}"))
	if got := reference(o.pod().Spec.Containers[0]); len(o.secrets) != 0 || got != "mine/url" {
		t.Errorf("created %v, dsn from %s", o.secrets, got)
	}
	for name, c := range map[string]struct{ change, want string }{
		"twice":      {ownSecret, "the dsn is given twice"},
		"no Secret":  {noSecrets, "belongs in a Secret that postgresql.existingSecret names"},
		"no surge":   {"deployment: {maxSurge: 0}", "maxSurge"},
		"misspelled": {"postgresql: {existingSecretName: database}", "existingSecretName"},
	} {
		_, err := template(t, values(t, "postgres", c.change))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "must-stay-secret") {
			t.Errorf("%s: want an error with %q, got %v", name, c.want, err)
		}
	}
}

// reference returns where the DSN of a container is.
func reference(c core.Container) string {
	for _, v := range c.Env {
		if v.Name == "INVITEBRIDGE_DSN" {
			return v.ValueFrom.SecretKeyRef.Name + "/" + v.ValueFrom.SecretKeyRef.Key
		}
	}
	return ""
}
