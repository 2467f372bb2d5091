package importfile

import (
	"fmt"
	"strconv"

	"invitebridge/bridge"
)

// fault returns a [bridge.ErrImportInvalid] about a line, which is in the detail line
// too. The text continues "Line 3: ", and says what to do. It contains names of columns
// and never the cells of rows.
func fault(line int, format string, args ...any) *bridge.Error {
	return bridge.ErrImportInvalid.WithReasonf("Line %d: %s", line, fmt.Sprintf(format, args...)).WithDetails("line", line)
}

// quote quotes the name of a column on one line, truncated for responses and logs.
func quote(name string) string {
	const limit = 60 // runes
	if runes := []rune(name); len(runes) > limit {
		name = string(runes[:limit]) + "…"
	}
	return strconv.Quote(name)
}
