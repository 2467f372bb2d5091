package webhook

const CallTimeout = callTimeout

// Samples that New renders templates with, exported for tests.
var (
	FullSample = fullSample
	BareSample = bareSample
)
