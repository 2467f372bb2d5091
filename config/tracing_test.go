package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"invitebridge/config"
)

// otlp returns a file with keys of the collector.
func otlp(keys string) string { return "tracing: {providers: {otlp: {" + keys + "}}}" }

const otlpKey = "tracing.providers.otlp."

var tracingRefusals = []refusal{
	{"tracing/provider", "tracing: {provider: jaeger}", "tracing.provider", true},
	{"tracing/no_service", `tracing: {service_name: ""}`, "tracing.service_name", true},
	{"tracing/service_with_line_break", `tracing: {service_name: "a\nb"}`, "tracing.service_name", true},
	{"tracing/environment_with_line_break", `tracing: {deployment_environment: "a\nb"}`, "tracing.deployment_environment", true},
	{"tracing/server_empty", otlp(`server_url: ""`), otlpKey + "server_url", true},
	{"tracing/server_with_scheme", otlp(`server_url: "http://localhost:4318"`), otlpKey + "server_url", true},
	{"tracing/server_with_user", otlp(`server_url: "a:b@localhost:4318"`), otlpKey + "server_url", true},
	{"tracing/server_with_path", otlp(`server_url: "localhost:4318/v1/traces"`), otlpKey + "server_url", true},
	{"tracing/server_port", otlp(`server_url: "localhost:99999"`), otlpKey + "server_url", false},
	{"tracing/header_with_line_break", otlp(`authorization_header: "Bearer a\nb"`), otlpKey + "authorization_header", true},
	{"tracing/header_not_ascii", otlp(`authorization_header: "Bearer ü"`), otlpKey + "authorization_header", true},
	{"tracing/ratio_negative", otlp(`sampling: {sampling_ratio: -0.1}`), otlpKey + "sampling.sampling_ratio", true},
	{"tracing/ratio_in_percent", otlp(`sampling: {sampling_ratio: 10}`), otlpKey + "sampling.sampling_ratio", true},
	{"tracing/ratio_not_a_number", otlp(`sampling: {sampling_ratio: .nan}`), otlpKey + "sampling.sampling_ratio", false},
	{"tracing/ratio_as_a_string", otlp(`sampling: {sampling_ratio: "0.5"}`), otlpKey + "sampling.sampling_ratio", true},
}

// tracingCanaries are files with a secret, CANARY, written in a wrong place by
// mistake.
var tracingCanaries = map[string]string{
	"authorization_with_a_line_break": otlp(`authorization_header: "Bearer CANARY\n"`),
	"authorization_as_a_list":         otlp(`authorization_header: [CANARY]`),
	"authorization_as_a_mapping":      otlp(`authorization_header: {Bearer: CANARY}`),
	"authorization_as_a_name":         otlp(`CANARY: x`),
	"authorization_in_the_server_url": otlp(`server_url: "user:CANARY@localhost:4318"`),
	"authorization_as_a_ratio":        otlp(`sampling: {sampling_ratio: CANARY}`),
	"authorization_as_a_provider":     "tracing: {provider: CANARY}",
	"tracing_as_a_string":             "tracing: CANARY",
}

func TestTracing(t *testing.T) {
	file := withKey + `
tracing:
  provider: otel
  deployment_environment: production
  providers: { otlp: { server_url: "[::1]:4318", insecure: true, authorization_header: Bearer abc, sampling: { sampling_ratio: 0.25 } } }
`
	environ := []string{"INVITEBRIDGE_TRACING_SERVICE_NAME=bridge", "INVITEBRIDGE_TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO=1e-3"}
	got, problems := load(t, []string{file}, config.Options{Environ: environ})
	if problems != nil {
		t.Fatalf("problems: %q", problems)
	}
	want := keyed(func(c *config.Config) {
		c.Tracing = config.Tracing{
			Provider: "otel", ServiceName: "bridge", DeploymentEnvironment: "production",
			Providers: config.TracingProviders{OTLP: config.OTLP{
				ServerURL: "[::1]:4318", Insecure: true, AuthorizationHeader: "Bearer abc", Sampling: config.Sampling{SamplingRatio: 0.001},
			}},
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if !got.TracingEnabled() || config.Default().TracingEnabled() {
		t.Error("tracing is enabled by default, or cannot be enabled")
	}
}
