package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"invitebridge/config"
	"invitebridge/kratos"
)

// schemas checks every identity schema in Kratos. A schema other than the default
// may not be meant for invitations at all, so its problems become warnings.
func (d *doctor) schemas(ctx context.Context, add func(finding)) {
	ids, listing := d.public.SchemaIDs(ctx)
	own := d.config.Kratos.SchemaID
	f := d.schema(ctx, own)
	if listing == nil && !slices.Contains(ids, own) {
		f = problem(reason(kratos.ErrSchemaNotFound)+": "+own, "set kratos.schema_id to one of: "+strings.Join(ids, ", "))
	}
	add(f)
	if listing != nil {
		if f.Verdict == verdictOK {
			f = warning("the schemas of Kratos could not be listed: "+reason(listing), "if there are others than "+own+", check them manually")
			f.Check = "schemas"
			add(f)
		}
		return
	}
	for _, id := range ids {
		if id == own {
			continue
		}
		f := d.schema(ctx, id)
		if f.Verdict == verdictProblem {
			f.Verdict, f.Advice = verdictWarning, "if you use it for invitations, "+f.Advice
		}
		f.Check = "schema " + id
		add(f)
	}
	for _, id := range slices.Sorted(maps.Keys(d.config.Kratos.EmailTrait)) {
		if id != "" && !slices.Contains(ids, id) {
			f := warning("there is no identity schema "+id+" in Kratos", "it has "+strings.Join(ids, ", "))
			f.Check = "kratos.email_trait"
			add(f)
		}
	}
}

func (d *doctor) schema(ctx context.Context, id string) finding {
	schema, err := d.public.Schema(ctx, id)
	switch {
	case errors.Is(err, kratos.ErrSchemaNotFound):
		return problem(reason(err)+": "+id, "set kratos.schema_id to an id of identity.schemas in Kratos' configuration")
	case kratos.StatusOf(err) >= 300 && kratos.StatusOf(err) <= 499:
		return warning(reason(err), "let this machine read /schemas/ of the public API, or set kratos.email_trait; check manually that the schema has a password identifier")
	case err != nil:
		return problem(reason(err), "schemas are read from kratos.public_url; see that check")
	}
	traits, layout := d.config.Kratos.EmailTrait, schema.Layout()
	path := cmp.Or(traits[id], traits[""], layout.Email)
	trait, ok, _ := schema.Trait(path)
	why, advice, _ := strings.Cut(layout.Problem, "; ")
	switch {
	case !layout.Complete && (!ok || len(layout.Password) == 0):
		return warning(fmt.Sprintf("part of schema %s is in another document, which was not read", id),
			"check manually that kratos.email_trait is the path of its email address, and that it has a password identifier")
	case path == "":
		return problem("schema "+id+" cannot be used: "+why, advice)
	case !ok:
		return problem(fmt.Sprintf("schema %s has no trait %s", id, path), "set kratos.email_trait to the path of the email address inside the traits")
	case !trait.Known:
		return problem(fmt.Sprintf("trait %s of schema %s is neither a password identifier nor an address in Kratos, so invitations would be rejected", path, id),
			"set kratos.email_trait to the path of the email address inside the traits")
	case len(layout.Password) == 0 && slices.Contains(d.config.Invitation.AcceptWith, config.AcceptPassword):
		return problem(fmt.Sprintf("no trait of schema %s is a password identifier, so invitees could not log in after accepting", id),
			`add "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}} to one`)
	case !trait.Verifiable:
		return warning(fmt.Sprintf("trait %s of schema %s cannot be verified, so accepting marks no address as verified", path, id),
			`add "ory.sh/kratos": {"verification": {"via": "email"}} to it if addresses should be verified`)
	case len(layout.Password) == 0:
		return passed("schema %s has the trait %s, which can be verified", id, path)
	case !trait.Identifier:
		return passed("schema %s has the trait %s, which can be verified; invitees log in with %s, which inviters must provide", id, path, strings.Join(layout.Password, " or "))
	}
	return passed("schema %s has the trait %s, a password identifier that can be verified", id, path)
}
