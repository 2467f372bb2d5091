package importfile

import (
	"bytes"
	"slices"
)

// byteOrderMark starts the UTF-8 files of some programs.
var byteOrderMark = []byte("\ufeff")

const (
	saveAsUTF8 = `Save the file as UTF-8: in Excel choose the type "CSV UTF-8", in LibreOffice the character set "Unicode (UTF-8)".`

	carriageReturns = `lines must end with line feeds, not with carriage returns alone. In Excel choose the type "CSV UTF-8", not "CSV (Macintosh)".`
)

// signatures are the beginnings of files that people take for CSV.
var signatures = []struct{ head, text string }{
	{"PK\x03\x04", "this is a workbook (.xlsx, .ods or .numbers) or a ZIP archive, not text. Export the sheet as CSV UTF-8."},
	{"\xd0\xcf\x11\xe0", "this is an Excel workbook (.xls), not text. Export the sheet as CSV UTF-8."},
	{"%PDF", "this is a PDF document, not text. Export the data as CSV UTF-8."},
	{"\x1f\x8b", "the file is compressed. Decompress it first."},
	{"{\\rtf", "this is a word processor's document, not plain text. Export the data as CSV UTF-8."},
}

// recognize returns what is wrong with a file that has this head and cannot be
// UTF-8 text; empty: nothing is known to be.
func recognize(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.head)) {
			return s.text
		}
	}
	if isUTF16(head) {
		return "the text is UTF-16, not UTF-8. " + saveAsUTF8
	}
	markup := bytes.ToLower(bytes.TrimSpace(head))
	starts := func(tag string) bool { return bytes.HasPrefix(markup, []byte(tag)) }
	if slices.ContainsFunc([]string{"<!doctype", "<html", "<head", "<meta", "<table", "<?xml", "<!--"}, starts) {
		return "this is an HTML or XML document, not CSV. Some programs give such a file the name .xls: open it in a spreadsheet program and export it as CSV UTF-8."
	}
	return ""
}

// isUTF16 recognizes both byte orders, by the mark or by the zero bytes of ASCII.
func isUTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) ||
		bytes.IndexByte(head[:min(2, len(head))], 0) >= 0
}
