package config

import "strings"

// Tracing configures OpenTelemetry traces. The section has the same structure
// as in Kratos.
type Tracing struct {
	// Provider is "otel", or empty for no traces.
	Provider string `yaml:"provider"`
	// ServiceName and DeploymentEnvironment identify the process in traces; the
	// latter may be empty.
	ServiceName           string           `yaml:"service_name"`
	DeploymentEnvironment string           `yaml:"deployment_environment"`
	Providers             TracingProviders `yaml:"providers"`
}

// TracingProviders holds the settings of each provider.
type TracingProviders struct {
	OTLP OTLP `yaml:"otlp"`
}

// OTLP configures a collector that accepts the OpenTelemetry protocol over HTTP.
type OTLP struct {
	// ServerURL is its host:port, without a scheme; the path is /v1/traces.
	ServerURL string `yaml:"server_url"`
	// Insecure uses plain HTTP.
	Insecure bool `yaml:"insecure"`
	// AuthorizationHeader is sent unchanged; empty sends none.
	AuthorizationHeader Secret   `yaml:"authorization_header"`
	Sampling            Sampling `yaml:"sampling"`
}

// Sampling configures how many traces are sent.
type Sampling struct {
	// SamplingRatio is the share, from 0 to 1, of the traces that begin in the
	// bridge.
	SamplingRatio float64 `yaml:"sampling_ratio"`
}

// tracingOTel is the only provider.
const tracingOTel = "otel"

// TracingEnabled reports whether traces are sent.
func (c Config) TracingEnabled() bool { return c.Tracing.Provider == tracingOTel }

func (k *checks) tracing(t Tracing) {
	const at = "tracing."
	k.require(t.Provider == "" || t.Provider == tracingOTel, at+"provider", "must be otel, or empty for no traces")
	k.require(t.ServiceName != "" && !hasControls(t.ServiceName), at+"service_name", "must be a name such as invitebridge")
	k.require(!hasControls(t.DeploymentEnvironment), at+"deployment_environment", "must not have line breaks or other control characters")
	otlp := t.Providers.OTLP
	k.namedInASCII(otlp.ServerURL, at+"providers.otlp.server_url",
		"must be the host and port of a collector, such as localhost:4318, without scheme and path", isHostPort)
	// Unlike a token, the whole header may have spaces.
	k.require(isPrintable(strings.ReplaceAll(otlp.AuthorizationHeader.Reveal(), " ", "")),
		at+"providers.otlp.authorization_header", "must be printable ASCII without line breaks")
	ratio := otlp.Sampling.SamplingRatio
	k.require(ratio >= 0 && ratio <= 1, at+"providers.otlp.sampling.sampling_ratio", "must be from 0 to 1")
}
