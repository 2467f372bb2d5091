package kratos

import (
	"fmt"
	"slices"
	"strings"
)

// Layout describes which traits of an identity are addresses and identifiers,
// according to Kratos' extension keywords in the schema. Paths are dotted, as
// "contact.email"; a path that ends in "[]" refers to the items of a list.
type Layout struct {
	// Email is the path of the trait for the invited address. Empty: see
	// Problem.
	Email string
	// Problem says in one sentence why Email is empty, and what to do.
	Problem string
	// Password and Code are the paths of the traits used to sign in by password
	// and by one-time code. Without Password, identities of the schema can
	// never sign in by password.
	Password, Code []string
	// Complete is false if part of the schema is in another document, which was
	// not read and may mark further traits.
	Complete bool
}

// markedTrait is a trait with Kratos' extension keywords.
type markedTrait struct {
	path string
	// Whether it is used to sign in, and how.
	password, code, codeByEmail bool
	// Whether Kratos sends email to its value, and for what.
	verified, recovers bool
	address            bool // its format is email
	list               bool // it is a list, and the list itself is marked
}

func (t markedTrait) marked() bool { return t.password || t.code || t.verified || t.recovers }

func (t markedTrait) identifies() bool { return t.password || t.codeByEmail }

// Layout returns what the schema's extension keywords say.
func (s *Schema) Layout() Layout {
	complete := true
	var traits []any
	for _, node := range s.expand([]any{s.root}, &complete) {
		if of, ok := descend(node, "properties", "traits"); ok {
			traits = append(traits, of)
		}
	}
	found, rest := s.walk(traits)
	l := Layout{Complete: complete && rest}
	for _, t := range found {
		if t.password {
			l.Password = append(l.Password, t.path)
		}
		if t.code {
			l.Code = append(l.Code, t.path)
		}
	}
	l.Email, l.Problem = findEmailTrait(found, l.Complete)
	return l
}

// emailKinds lists the kinds of trait that may be the email address, in order
// of preference. The first kind with any trait decides, and must have exactly
// one. Password identifiers come first, because an invitee sets a password.
var emailKinds = []func(markedTrait) bool{
	func(t markedTrait) bool { return t.password && t.verified },
	func(t markedTrait) bool { return t.codeByEmail && t.verified },
	func(t markedTrait) bool { return t.verified || t.identifies() && t.address },
	func(t markedTrait) bool { return t.recovers },
}

func findEmailTrait(traits []markedTrait, complete bool) (path, problem string) {
	const set = "set kratos.email_trait to the path of the trait that email is sent to"
	for _, is := range emailKinds {
		found := oneByRecovery(slices.DeleteFunc(slices.Clone(traits), func(t markedTrait) bool { return !is(t) }))
		switch {
		case len(found) == 0:
			continue
		case len(found) > 1:
			return "", fmt.Sprintf("several of its traits could be the email address (%s); %s", pathsOf(found), set)
		case strings.Contains(found[0].path, "[]"):
			return "", fmt.Sprintf("its email addresses are a list (%s), which the bridge cannot fill in; add a trait for a single address to sign in with, or %s", found[0].path, set)
		}
		return found[0].path, ""
	}
	if !complete {
		return "", "part of it is in another document, which the bridge does not read; " + set
	}
	return "", "none of its traits is marked as an email address; mark one with \"ory.sh/kratos\": {\"verification\": {\"via\": \"email\"}}, or " + set
}

// oneByRecovery narrows several traits down to the one used for account
// recovery, unless that would prefer a trait not used to sign in over one that
// is.
func oneByRecovery(traits []markedTrait) []markedTrait {
	recovering := slices.DeleteFunc(slices.Clone(traits), func(t markedTrait) bool { return !t.recovers })
	if len(recovering) == 1 && (recovering[0].identifies() || !slices.ContainsFunc(traits, markedTrait.identifies)) {
		return recovering
	}
	return traits
}

func pathsOf(traits []markedTrait) string {
	var paths []string
	for _, t := range traits {
		paths = append(paths, t.path)
	}
	return strings.Join(paths, ", ")
}
