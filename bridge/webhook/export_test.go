package webhook

// The samples that templates are tried with, for tests.
var (
	FullSample = fullSample
	BareSample = bareSample
)
