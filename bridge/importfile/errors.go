package importfile

import (
	"fmt"
	"strconv"

	"invitebridge/bridge"
)

// ErrImportInvalid is the error of a file that cannot be imported. The reasons
// begin with the line, which is in the detail line too, and say what to do. They
// contain names of columns and never the cells of rows.
var ErrImportInvalid = &bridge.Error{
	Kind: bridge.KindInvalid, ID: "import_invalid",
	Reason: "The file cannot be imported. Send a CSV file whose first line names the columns, or one JSON object per line.",
}

// fault returns an ErrImportInvalid about a line. The text continues "Line 3: ".
func fault(line int, format string, args ...any) *bridge.Error {
	return ErrImportInvalid.WithReasonf("Line %d: %s", line, fmt.Sprintf(format, args...)).WithDetails("line", line)
}

// quote quotes the name of a column on one line, truncated for responses and logs.
func quote(name string) string {
	const limit = 60 // runes
	if runes := []rune(name); len(runes) > limit {
		name = string(runes[:limit]) + "…"
	}
	return strconv.Quote(name)
}
