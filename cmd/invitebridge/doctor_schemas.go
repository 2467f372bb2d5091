package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"invitebridge/kratos"
)

// schemas judges each that Kratos has. One that no invitation has by default may
// be meant for nobody whom the bridge invites: of those there are no problems,
// but warnings.
func (d *doctor) schemas(ctx context.Context, tell func(finding)) {
	ids, listing := d.public.SchemaIDs(ctx)
	own := d.config.Kratos.SchemaID
	f := d.schema(ctx, own)
	if listing == nil && !slices.Contains(ids, own) {
		f = problem(reason(kratos.ErrNoSchema)+": "+own, "set kratos.schema_id to one of those that there are: "+strings.Join(ids, ", "))
	}
	tell(f)
	if listing != nil {
		if f.Verdict == verdictOK {
			f = warning("the schemas of Kratos could not be listed: "+reason(listing), "if there are others than "+own+", look at them by hand")
			f.Check = "schemas"
			tell(f)
		}
		return
	}
	for _, id := range ids {
		if id == own {
			continue
		}
		f := d.schema(ctx, id)
		if f.Verdict == verdictProblem {
			f.Verdict, f.Advice = verdictWarning, "if people are to be invited with it, "+f.Advice
		}
		f.Check = "schema " + id
		tell(f)
	}
	for _, id := range slices.Sorted(maps.Keys(d.config.Kratos.EmailTrait)) {
		if id != "" && !slices.Contains(ids, id) {
			f := warning("there is no identity schema "+id+" in Kratos", "it has "+strings.Join(ids, ", "))
			f.Check = "kratos.email_trait"
			tell(f)
		}
	}
}

func (d *doctor) schema(ctx context.Context, id string) finding {
	schema, err := d.public.Schema(ctx, id)
	switch {
	case errors.Is(err, kratos.ErrNoSchema):
		return problem(reason(err)+": "+id, "set kratos.schema_id to an id of identity.schemas in Kratos' configuration")
	case kratos.StatusOf(err) >= 300 && kratos.StatusOf(err) <= 499:
		return warning(reason(err), "let this machine read /schemas/ of the public API, or set kratos.email_trait; look by hand: the schema must have a password identifier")
	case err != nil:
		return problem(reason(err), "schemas are read from kratos.public_url: see there")
	}
	traits, layout := d.config.Kratos.EmailTrait, schema.Layout()
	path := cmp.Or(traits[id], traits[""], layout.Email)
	trait, ok, _ := schema.Trait(path)
	why, advice, _ := strings.Cut(layout.Problem, "; ")
	switch {
	case !layout.Whole && (!ok || len(layout.Password) == 0):
		return warning(fmt.Sprintf("a part of schema %s is in another document, which was not read", id),
			"look by hand: kratos.email_trait must be the path of the e-mail address in it, and something in it a password identifier")
	case path == "":
		return problem("schema "+id+" cannot be used: "+why, advice)
	case !ok:
		return problem(fmt.Sprintf("schema %s has no trait %s", id, path), "set kratos.email_trait to the path of the e-mail address inside the traits")
	case !trait.Known:
		return problem(fmt.Sprintf("trait %s of schema %s is no password identifier and no address of Kratos', so nobody could be invited", path, id),
			"set kratos.email_trait to the path of the e-mail address inside the traits")
	case len(layout.Password) == 0:
		return problem(fmt.Sprintf("no trait of schema %s is a password identifier, so nobody could log in after accepting", id),
			`give one "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}`)
	case !trait.Verifiable:
		return warning(fmt.Sprintf("trait %s of schema %s cannot be verified, so accepting marks no address as verified", path, id),
			`give it "ory.sh/kratos": {"verification": {"via": "email"}}, if addresses are to be`)
	case !trait.Identifier:
		return fine("schema %s has the trait %s, which can be verified; one signs in with %s, which inviters have to give", id, path, strings.Join(layout.Password, " or "))
	}
	return fine("schema %s has the trait %s, a password identifier that can be verified", id, path)
}
