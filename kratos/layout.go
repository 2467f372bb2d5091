package kratos

import (
	"fmt"
	"slices"
	"strings"
)

// Layout says where in the traits of an identity the things are that Kratos'
// own marks in its schema name. Paths are dotted, as "contact.email"; a path
// that ends in "[]" is of the items of a list.
type Layout struct {
	// Email is where the invited address goes. Empty: Problem says why.
	Email string
	// Problem says in one sentence why there is no Email, and what to do.
	Problem string
	// Password and Code are what one signs in with by password, and by one-time
	// code. An identity of a schema with no Password can never sign in by one.
	Password, Code []string
	// Whole is false if a part of the schema is in another document, which was
	// not read: there may be more.
	Whole bool
}

// markedTrait is a trait and Kratos' own marks of it.
type markedTrait struct {
	path string
	// What one signs in with.
	password, code, codeByEmail bool
	// What its value is sent email for.
	verified, recovers bool
	address            bool // its format is email
	list               bool // it is one, and has the marks of its own
}

func (t markedTrait) marked() bool { return t.password || t.code || t.verified || t.recovers }

func (t markedTrait) identifies() bool { return t.password || t.codeByEmail }

// Layout gives what the marks of the schema say.
func (s *Schema) Layout() Layout {
	whole := true
	var traits []any
	for _, node := range s.expand([]any{s.root}, &whole) {
		if of, ok := descend(node, "properties", "traits"); ok {
			traits = append(traits, of)
		}
	}
	found, rest := s.walk(traits)
	l := Layout{Whole: whole && rest}
	for _, t := range found {
		if t.password {
			l.Password = append(l.Password, t.path)
		}
		if t.code {
			l.Code = append(l.Code, t.path)
		}
	}
	l.Email, l.Problem = emailAmong(found, l.Whole)
	return l
}

// The kinds of trait that are taken for the e-mail address: of the first kind
// that there is, there must be one. What one signs in with by password comes
// first, because that is what an invitee is given.
var emailKinds = []func(markedTrait) bool{
	func(t markedTrait) bool { return t.password && t.verified },
	func(t markedTrait) bool { return t.codeByEmail && t.verified },
	func(t markedTrait) bool { return t.verified || t.identifies() && t.address },
	func(t markedTrait) bool { return t.recovers },
}

func emailAmong(traits []markedTrait, whole bool) (path, problem string) {
	const set = "set kratos.email_trait to the path of the one that email is sent to"
	for _, is := range emailKinds {
		found := oneByRecovery(slices.DeleteFunc(slices.Clone(traits), func(t markedTrait) bool { return !is(t) }))
		switch {
		case len(found) == 0:
			continue
		case len(found) > 1:
			return "", fmt.Sprintf("several of its traits may be the e-mail address (%s); %s", pathsOf(found), set)
		case strings.Contains(found[0].path, "[]"):
			return "", fmt.Sprintf("its e-mail addresses are a list (%s), which the bridge cannot fill in; add a trait for the one address to sign in with, or %s", found[0].path, set)
		}
		return found[0].path, ""
	}
	if !whole {
		return "", "a part of it is in another document, which was not read; " + set
	}
	return "", "none of its traits is marked as an e-mail address; mark one with \"ory.sh/kratos\": {\"verification\": {\"via\": \"email\"}}, or " + set
}

// oneByRecovery picks, of several traits, the one that an account is recovered
// by; but nothing that one does not sign in with before something that one does.
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
