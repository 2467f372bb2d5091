package pagetest

import _ "embed"

// world names the scripts' world in which the harness looks at a page: it has
// the page's document and none of its variables.
const world = "pagetest"

// witness runs before each document. It notes what cannot be seen afterwards.
//
//go:embed witness.js
var witness string

// surveyor gives what a survey holds, as an expression.
//
//go:embed survey.js
var surveyor string
