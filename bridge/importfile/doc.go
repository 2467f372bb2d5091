// Package importfile reads the files of an import and writes reports about its
// rows, as CSV and as NDJSON. A report can be corrected and imported again as it
// is. The package is pure: it opens no file, starts no goroutine and knows neither
// HTTP nor the store. Of the bridge's packages it imports only the domain.
//
// # CSV
//
// The first line names the columns. A column is a field of the request body of an
// invite, or a path into traits, metadata_public or metadata_admin, such as
// traits.name.first. Letter case does not matter in the names of fields, and
// matters below them. Cells are texts; in notify, reactivate and keep_addresses
// they are true or false; in a column with the suffix :json, such as traits.age:json,
// they are JSON; a cell that is neither fails its row alone. row:json holds a whole body, for a row that has nothing in other
// columns. A field whose cell is empty is absent. A name that contains a dot, or
// ends in :json, needs NDJSON or a column such as traits:json.
//
// Columns are separated by commas, semicolons or tabs, whichever the first line
// has most of. A byte order mark, CRLF, line breaks in quotes, a line "sep=;",
// blank lines and empty rows are understood, as are cells that are missing at the
// end of a row, and additional cells that are empty. CRLF in a cell becomes a line
// feed.
//
// # Formulas
//
// A spreadsheet program evaluates a cell that begins with one of = + - @, a tab or
// a carriage return. So the writer puts a ' before each text that consists of any
// number of ' and one of these characters at its beginning: =1 becomes '=1, and
// '=1 becomes ”=1. The reader removes one ' from each text that has at least one
// at its beginning and then one of these characters. No other text changes, so
// that reading returns what was written. A file from elsewhere with the cell '+49
// has the text +49.
//
// A spreadsheet program that expects another separator than the file has splits
// its cells elsewhere, and may find a formula at the beginning of a part. Against
// that the ' does not protect; a report has the separator of the imported file, so
// that a program which could read that one can read the report.
//
// # NDJSON
//
// Each line is one body, a JSON object. Its fields are not validated here. A line
// of a report holds the body in its member row.
//
// # Limits
//
// Memory is bounded whatever the size of the file: a row has at most 1 MiB and
// 256 columns. Files must be UTF-8; other encodings and binary files are rejected.
package importfile
