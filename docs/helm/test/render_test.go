// Package charttest contains only tests; go.mod says why it is a separate module.
package charttest

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	disruption "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = "../invitebridge"

// objects holds the Kubernetes objects of one release by name. They are decoded
// strictly: an unknown field fails the test.
type objects struct {
	set      *apps.StatefulSet // one of the two is nil
	deploy   *apps.Deployment
	budgets  map[string]disruption.PodDisruptionBudget
	claims   map[string]core.PersistentVolumeClaim
	config   core.ConfigMap
	secrets  map[string]core.Secret
	services map[string]core.Service
	ingress  map[string]networking.Ingress
	policies map[string]networking.NetworkPolicy
	monitors map[string]monitoring.ServiceMonitor
	notes    string
}

// values reads a values file and merges changes, given as YAML, into it.
func values(t *testing.T, file string, changes ...string) map[string]any {
	t.Helper()
	content, err := os.ReadFile("values/" + file + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	merged := map[string]any{}
	for _, text := range append([]string{string(content)}, changes...) {
		layer := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(text), &layer); err != nil {
			t.Fatal(err)
		}
		merged = loader.MergeMaps(merged, layer)
	}
	return merged
}

// template does what "helm template" does and returns the text of each file.
func template(t *testing.T, given map[string]any) (map[string]string, error) {
	t.Helper()
	return templateFor(t, "v1.34.0", given)
}

// templateFor is template for a version of Kubernetes.
func templateFor(t *testing.T, kubernetes string, given map[string]any) (map[string]string, error) {
	t.Helper()
	version, err := common.ParseKubeVersion(kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *version
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "invitebridge", Namespace: "identity", Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, given, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(chart, all)
}

var separator = regexp.MustCompile(`(?m)^---$`)

// render renders the chart and decodes all objects.
func render(t *testing.T, given map[string]any) objects {
	t.Helper()
	files, err := template(t, given)
	if err != nil {
		t.Fatal(err)
	}
	o := objects{
		budgets: map[string]disruption.PodDisruptionBudget{},
		claims:  map[string]core.PersistentVolumeClaim{}, secrets: map[string]core.Secret{},
		services: map[string]core.Service{}, ingress: map[string]networking.Ingress{},
		policies: map[string]networking.NetworkPolicy{}, monitors: map[string]monitoring.ServiceMonitor{},
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, "NOTES.txt") {
			o.notes = files[name]
			continue
		}
		for _, text := range separator.Split(files[name], -1) {
			if strings.TrimSpace(text) != "" {
				o.add(t, name, text)
			}
		}
	}
	if (o.set == nil) == (o.deploy == nil) {
		t.Fatalf("want a StatefulSet or a Deployment: %v, %v", o.set, o.deploy)
	}
	return o
}

func (o *objects) add(t *testing.T, file, text string) {
	t.Helper()
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, text)
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "apps/v1 StatefulSet":
		o.set = new(decode[apps.StatefulSet](t, file, text))
	case "apps/v1 Deployment":
		o.deploy = new(decode[apps.Deployment](t, file, text))
	case "policy/v1 PodDisruptionBudget":
		put(o.budgets, decode[disruption.PodDisruptionBudget](t, file, text))
	case "v1 PersistentVolumeClaim":
		put(o.claims, decode[core.PersistentVolumeClaim](t, file, text))
	case "v1 ConfigMap":
		o.config = decode[core.ConfigMap](t, file, text)
	case "v1 Secret":
		put(o.secrets, decode[core.Secret](t, file, text))
	case "v1 Service":
		put(o.services, decode[core.Service](t, file, text))
	case "networking.k8s.io/v1 Ingress":
		put(o.ingress, decode[networking.Ingress](t, file, text))
	case "networking.k8s.io/v1 NetworkPolicy":
		put(o.policies, decode[networking.NetworkPolicy](t, file, text))
	case "monitoring.coreos.com/v1 ServiceMonitor":
		put(o.monitors, decode[monitoring.ServiceMonitor](t, file, text))
	default:
		t.Fatalf("%s: unexpected kind %s", file, kind)
	}
}

// pod returns the template of the Pods.
func (o objects) pod() core.PodTemplateSpec {
	if o.deploy != nil {
		return o.deploy.Spec.Template
	}
	return o.set.Spec.Template
}

// name returns the name of what creates the Pods, and how it selects them.
func (o objects) name() (name string, selector *meta.LabelSelector) {
	if o.deploy != nil {
		return o.deploy.Name, o.deploy.Spec.Selector
	}
	return o.set.Name, o.set.Spec.Selector
}

func decode[T any](t *testing.T, file, text string) (object T) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), &object); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, text)
	}
	return object
}

func put[T any, P interface {
	*T
	GetName() string
}](all map[string]T, object T) {
	all[P(&object).GetName()] = object
}
