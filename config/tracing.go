package config

import "strings"

// Tracing says whether and where OpenTelemetry traces are sent. The section has
// the shape it has in Kratos.
type Tracing struct {
	// Provider is empty, which is off, or "otel".
	Provider string `yaml:"provider"`
	// ServiceName and DeploymentEnvironment tell programs apart in traces; the
	// latter may be empty.
	ServiceName           string           `yaml:"service_name"`
	DeploymentEnvironment string           `yaml:"deployment_environment"`
	Providers             TracingProviders `yaml:"providers"`
}

// TracingProviders has what each provider needs.
type TracingProviders struct {
	OTLP OTLP `yaml:"otlp"`
}

// OTLP is a collector that takes the OpenTelemetry protocol over HTTP.
type OTLP struct {
	// ServerURL is its host:port, without a scheme; the path is /v1/traces.
	ServerURL string `yaml:"server_url"`
	// Insecure sends by plain HTTP.
	Insecure bool `yaml:"insecure"`
	// AuthorizationHeader is sent as it is; empty sends none.
	AuthorizationHeader Secret   `yaml:"authorization_header"`
	Sampling            Sampling `yaml:"sampling"`
}

// Sampling says how many traces are sent.
type Sampling struct {
	// SamplingRatio is the share of the traces that begin here, from 0 to 1.
	SamplingRatio float64 `yaml:"sampling_ratio"`
}

// tracingOTel is the provider that is not off.
const tracingOTel = "otel"

// TracingEnabled tells whether traces are sent.
func (c Config) TracingEnabled() bool { return c.Tracing.Provider == tracingOTel }

func (k *checks) tracing(t Tracing) {
	const at = "tracing."
	k.that(t.Provider == "" || t.Provider == tracingOTel, at+"provider", "must be otel, or empty for no traces")
	k.that(t.ServiceName != "" && !hasControls(t.ServiceName), at+"service_name", "must be a name such as invitebridge")
	k.that(!hasControls(t.DeploymentEnvironment), at+"deployment_environment", "must not have line breaks or other control characters")
	otlp := t.Providers.OTLP
	k.named(otlp.ServerURL, at+"providers.otlp.server_url",
		"must be the host and port of a collector, such as localhost:4318, without scheme and path", isHostPort)
	// Unlike a token, it has a space: it is the whole header.
	k.that(isPrintable(strings.ReplaceAll(otlp.AuthorizationHeader.Reveal(), " ", "")),
		at+"providers.otlp.authorization_header", "must be printable ASCII without line breaks")
	ratio := otlp.Sampling.SamplingRatio
	k.that(ratio >= 0 && ratio <= 1, at+"providers.otlp.sampling.sampling_ratio", "must be from 0 to 1")
}
