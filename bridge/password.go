package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// PasswordPolicy judges a password as Kratos' own registration does, in the
// same order and with the same message ids, because Kratos' admin API applies
// no policy at all. See https://www.ory.com/docs/kratos/concepts/credentials/username-email-password.
type PasswordPolicy struct {
	MinLength       int  // in bytes
	CheckSimilarity bool // refuse what resembles the e-mail address
	// Breaches counts how often a password was seen in data breaches; nil: not
	// asked.
	Breaches            BreachCounter
	MaxBreaches         int
	IgnoreNetworkErrors bool // accept the password if Breaches fails
}

// BreachCounter says how often a password occurs in known data breaches.
type BreachCounter interface {
	Count(ctx context.Context, password string) (int, error)
}

// MaxPasswordLength is the most that bcrypt takes, in bytes.
const MaxPasswordLength = 72

// Ids of Kratos' messages about passwords.
const (
	messageRequired    = 4000002
	messageSimilar     = 4000031
	messageMinLength   = 4000032
	messageMaxLength   = 4000033
	messageTooBreached = 4000034
)

const (
	minDistance      = 5   // Levenshtein, in characters
	maxCommonShare   = 0.5 // of the password's bytes
	maxCompareLength = 256 // in bytes; newer Kratos compares no more than this
)

// Check returns nil if password is good for the account of these identifiers:
// all that its holder types beside it. Else ErrPasswordPolicy with one message,
// or ErrKratosAway if breaches cannot be counted and that is not ignored.
func (p PasswordPolicy) Check(ctx context.Context, identifiers []string, password string) error {
	switch {
	case password == "":
		return weak(messageRequired, "Property password is missing.", map[string]any{"property": "password"})
	case len(password) < p.MinLength:
		return weak(messageMinLength,
			fmt.Sprintf("The password must be at least %d characters long, but got %d.", p.MinLength, len(password)),
			map[string]any{"min_length": p.MinLength, "actual_length": len(password)})
	}
	if err := p.CheckSimilar(identifiers, password); err != nil {
		return err
	}
	if err := p.checkBreaches(ctx, password); err != nil {
		return err
	}
	if len(password) > MaxPasswordLength {
		return weak(messageMaxLength,
			fmt.Sprintf("The password must be at most %d characters long, but got %d.", MaxPasswordLength, len(password)),
			map[string]any{"max_length": MaxPasswordLength, "actual_length": len(password)})
	}
	return nil
}

// CheckSimilar is the part of Check that looks at identifiers.
func (p PasswordPolicy) CheckSimilar(identifiers []string, password string) error {
	if p.CheckSimilarity && slices.ContainsFunc(identifiers, func(id string) bool { return similar(id, password) }) {
		return weak(messageSimilar, "The password can not be used because it is too similar to the identifier.", nil)
	}
	return nil
}

func (p PasswordPolicy) checkBreaches(ctx context.Context, password string) error {
	if p.Breaches == nil {
		return nil
	}
	n, err := p.Breaches.Count(ctx, password)
	switch {
	case err != nil && p.IgnoreNetworkErrors:
		return nil
	case err != nil:
		return ErrKratosAway.Reasonf("The password could not be checked against known data breaches. A retry is safe.").Because(err)
	case n > p.MaxBreaches:
		return weak(messageTooBreached, "The password has been found in data breaches and must no longer be used.",
			map[string]any{"breaches": n})
	}
	return nil
}

func weak(id int, text string, context map[string]any) error {
	e := *ErrPasswordPolicy
	e.Messages = []UIText{{ID: id, Text: text, Type: "error", Context: context}}
	return &e
}

// similar judges as Kratos does: in lower case, by edit distance, and by the
// longest common part as a share of the password's bytes.
func similar(identifier, password string) bool {
	a, b := strings.ToLower(identifier), strings.ToLower(password)
	if a == "" || max(len(a), len(b), len(password)) > maxCompareLength {
		return false
	}
	return levenshtein([]rune(a), []rune(b)) < minDistance ||
		float32(longestCommon(a, b))/float32(len(b)) > maxCommonShare
}

// levenshtein counts the characters to insert, delete or replace to turn a
// into b.
func levenshtein(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// longestCommon gives the length of the longest common part, counted as Kratos
// does: in characters, of which one beyond ASCII ends a part behind it.
func longestCommon(a, b string) int {
	longest, before := 0, -1 // before: where the character of the former row begins
	former := make([]int, len(b))
	for i, x := range a {
		row := make([]int, len(b)) // row[j]: the common part that ends with those at i and j
		for j, y := range b {
			if x != y {
				continue
			}
			row[j] = 1
			if i > 0 && j > 0 && before == i-1 {
				row[j] += former[j-1]
			}
			longest = max(longest, row[j])
		}
		former, before = row, i
	}
	return longest
}
