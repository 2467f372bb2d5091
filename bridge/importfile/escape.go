package importfile

import "strings"

// formula are the characters by which a spreadsheet program recognizes a formula,
// some after it has removed them.
const formula = "=+-@\t\r"

// escape returns a cell that no spreadsheet program evaluates if it reads the file with
// the separator that the file has. See the package comment for the rule.
func escape(text string) string {
	if startsFormula(text) {
		return "'" + text
	}
	return text
}

// unescape returns the text of which escape made the cell. It is the inverse:
// escape only changes texts for which startsFormula holds, it still holds for the
// result, and no text that escape leaves unchanged begins with a ' and satisfies it.
func unescape(cell string) string {
	if strings.HasPrefix(cell, "'") && startsFormula(cell) {
		return cell[1:]
	}
	return cell
}

// startsFormula reports whether a text has, after any number of ', a character of
// formula.
func startsFormula(text string) bool {
	i := 0
	for i < len(text) && text[i] == '\'' {
		i++
	}
	return i < len(text) && strings.IndexByte(formula, text[i]) >= 0
}
