package bridge

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// PasswordPolicy checks a password as Kratos' own registration does, in the same
// order and with the same message ids, because Kratos' admin API applies no
// policy at all. See
// https://www.ory.com/docs/kratos/concepts/credentials/username-email-password.
type PasswordPolicy struct {
	MinLength       int  // in bytes
	CheckSimilarity bool // reject passwords similar to an identifier
	// Breaches counts occurrences in data breaches; nil: not checked.
	Breaches            BreachCounter
	MaxBreaches         int
	IgnoreNetworkErrors bool // accept the password if Breaches fails
}

// BreachCounter counts how often a password occurs in known data breaches.
type BreachCounter interface {
	Count(ctx context.Context, password string) (int, error)
}

// MaxPasswordLength is the maximum that bcrypt accepts, in bytes.
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
	maxCompareLength = 256 // in bytes; longer texts are not compared, as in newer Kratos releases
)

// Check returns nil if the password meets the policy for an account with these
// identifiers, which are all that its holder enters beside the password.
//
// Errors: ErrPasswordPolicyViolation with one message; ErrKratosUnavailable if the
// breach check fails and IgnoreNetworkErrors is false.
func (p PasswordPolicy) Check(ctx context.Context, identifiers []string, password string) error {
	switch {
	case password == "":
		return policyViolation(messageRequired, "Property password is missing.", map[string]any{"property": "password"})
	case len(password) < p.MinLength:
		return policyViolation(messageMinLength,
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
		return policyViolation(messageMaxLength,
			fmt.Sprintf("The password must be at most %d characters long, but got %d.", MaxPasswordLength, len(password)),
			map[string]any{"max_length": MaxPasswordLength, "actual_length": len(password)})
	}
	return nil
}

// CheckSimilar is the part of Check that compares with the identifiers.
func (p PasswordPolicy) CheckSimilar(identifiers []string, password string) error {
	if p.CheckSimilarity && slices.ContainsFunc(identifiers, func(id string) bool { return similar(id, password) }) {
		return policyViolation(messageSimilar, "The password can not be used because it is too similar to the identifier.", nil)
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
		return ErrKratosUnavailable.WithReasonf("The password could not be checked against known data breaches. Retrying is safe.").WithCause(err)
	case n > p.MaxBreaches:
		return policyViolation(messageTooBreached, "The password has been found in data breaches and must no longer be used.",
			map[string]any{"breaches": n})
	}
	return nil
}

func policyViolation(id int, text string, context map[string]any) error {
	e := *ErrPasswordPolicyViolation
	e.Messages = []UIText{{ID: id, Text: text, Type: "error", Context: context}}
	return &e
}

// similar compares as Kratos does: in lower case, by edit distance, and by the
// longest common substring as a share of the password's bytes.
func similar(identifier, password string) bool {
	a, b := strings.ToLower(identifier), strings.ToLower(password)
	if a == "" || max(len(a), len(b), len(password)) > maxCompareLength {
		return false
	}
	return levenshtein([]rune(a), []rune(b)) < minDistance ||
		float32(longestCommon(a, b))/float32(len(b)) > maxCommonShare
}

// levenshtein returns the number of characters to insert, delete or replace to
// turn a into b.
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

// longestCommon returns the length of the longest common substring as Kratos
// counts it: in characters, where a non-ASCII character ends the substring after
// it.
func longestCommon(a, b string) int {
	longest, before := 0, -1 // before: byte index of the previous row's character
	former := make([]int, len(b))
	for i, x := range a {
		row := make([]int, len(b)) // row[j]: length of the common substring ending at i and j
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
