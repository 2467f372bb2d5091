package pagetest

import _ "embed"

// isolatedWorld names the JavaScript world in which the harness inspects a page:
// it shares the page's document but none of its variables.
const isolatedWorld = "pagetest"

// liveRegionWatcher runs before each document. It records what cannot be observed
// afterwards.
//
//go:embed liveregions.js
var liveRegionWatcher string

// surveyScript is an expression whose methods return the content of a survey.
//
//go:embed survey.js
var surveyScript string
