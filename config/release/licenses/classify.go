package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// accepted are the licenses that may be linked into the binary, by their SPDX
// identifiers. Each is recognized by all of its phrases.
var accepted = []struct {
	id      string
	phrases []string
	without string // a phrase of a similar license
}{
	{id: "Apache-2.0", phrases: []string{"Apache License Version 2.0, January 2004", "2. Grant of Copyright License"}},
	{id: "Apache-2.0", phrases: []string{"Licensed under the Apache License, Version 2.0", "WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND"}, without: "END OF TERMS AND CONDITIONS"},
	{id: "BSD-3-Clause", phrases: []string{"Redistribution and use in source and binary forms", "may be used to endorse or promote products derived from this software without specific prior written permission", "IN NO EVENT SHALL"}},
	{id: "BSD-2-Clause", phrases: []string{"Redistribution and use in source and binary forms", "IN NO EVENT SHALL"}, without: "endorse or promote"},
	{id: "ISC", phrases: []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
	{id: "MIT", phrases: []string{"Permission is hereby granted, free of charge, to any person obtaining a copy of this software", "to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software", "The above copyright notice and this permission notice shall be included in all copies"}},
	{id: "MPL-2.0", phrases: []string{"Mozilla Public License, version 2.0", "1.10. \"Modifications\""}},
}

// refused are phrases of terms that the binary cannot be passed on under, and
// that stand beside an accepted license in some projects.
var refused = []string{
	"GNU AFFERO GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE", "GNU GENERAL PUBLIC LICENSE", "Commons Clause",
	"Business Source License", "Server Side Public License", "Elastic License", "All advertising materials mentioning features",
	"NonCommercial", "for non-commercial",
}

// classify returns the SPDX identifiers of the licenses in a text. Errors: the
// text has none that is accepted, or has terms that are refused.
func classify(text string) ([]string, error) {
	has := func(phrase string) bool { return strings.Contains(words(text), words(phrase)) }
	var found []string
	for _, l := range accepted {
		match := l.without == "" || !has(l.without)
		for _, phrase := range l.phrases {
			match = match && has(phrase)
		}
		if match {
			found = append(found, l.id)
		}
	}
	for _, phrase := range refused {
		// The Mozilla license lists the GNU licenses as "Secondary Licenses".
		secondary := strings.HasPrefix(phrase, "GNU") && slices.Equal(found, []string{"MPL-2.0"})
		if has(phrase) && !secondary {
			return nil, fmt.Errorf("terms that are not accepted: %q", phrase)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("not an accepted license: %.80q", strings.TrimSpace(text))
	}
	return found, nil
}

var separators = regexp.MustCompile(`[^a-z0-9]+`)

// words makes texts comparable that differ in line breaks, punctuation or the
// marks of a comment.
func words(text string) string {
	return " " + strings.TrimSpace(separators.ReplaceAllString(strings.ToLower(text), " ")) + " "
}
