package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// offerColumns leave out the token: the link carries it.
var offerColumns = []string{"id", "email", "expires_at", "invitation_link"}

func newCreateInvitation(o *clientOptions) *cobra.Command {
	var f inviteFlags
	cmd := &cobra.Command{
		Use:     "invitation EMAIL...",
		Aliases: []string{"invitations"},
		Short:   "Invite e-mail addresses, or an inactive identity",
		Long: "Invites each e-mail address, or with --identity-id an identity that is there and\n" +
			"inactive. An address that has a pending invitation keeps that one, and gets a\n" +
			"further token. The token and the link are in the result, and never shown again.\n\n" +
			"An identity that exists is invited only if nobody ever used it. With --reactivate\n" +
			"it may be the deactivated account of somebody else, or an imported one: before the\n" +
			"invitee gets it, every session and credential is removed. Kratos sends codes and\n" +
			"recovery links to all addresses of an identity: if it has others than EMAIL, say\n" +
			"with --keep-addresses that they belong to the invitee.\n\n" +
			"A FILE is in UTF-8, and has each address once. Its first line names its columns:\n" +
			"email, and paths of traits such as name.first, which go over those of --traits.\n" +
			"Values are texts; an empty one is no trait.",
		Example: "  invitebridge create invitation ada@example.com --inviter-name Grace --expires-in 48h\n" +
			"  invitebridge create invitation ada@example.com --traits '{\"name\": {\"first\": \"Ada\"}}'\n" +
			"  invitebridge create invitations --from people.csv --inviter-name Grace",
		RunE: func(cmd *cobra.Command, emails []string) error {
			request, err := f.request(cmd, emails)
			if err != nil {
				return usageError{err}
			}
			invitees, err := f.invitees(emails, request)
			if err != nil {
				return usageError{err}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			return createInvitations(cmd.Context(), s, request, invitees)
		},
	}
	f.register(cmd)
	if err := cmd.MarkFlagFilename("from", "csv"); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

func createInvitations(ctx context.Context, s *session, request bridge.InviteRequest, invitees []invitee) error {
	return each(ctx, s, invitees, offerColumns, func(ctx context.Context, one invitee) (httpapi.Offer, error) {
		request.Email, request.Traits = one.email, one.traits
		offer, created, err := s.client.Invite(ctx, request)
		if err != nil {
			return offer, err
		}
		if !created {
			s.note("%s was already invited; this is a further token of that invitation.", printable(offer.Email))
		}
		return offer, nil
	})
}

// inviteFlags is the body of an invitation as flags.
type inviteFlags struct {
	bridge.InviteRequest
	identityID, from                      string
	traits, metadataPublic, metadataAdmin string
}

func (f *inviteFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.identityID, "identity-id", "", "`ID` of an inactive identity, instead of EMAIL")
	flags.StringVar(&f.from, "from", "", "`FILE` of comma-separated values, instead of EMAIL")
	flags.StringVar(&f.SchemaID, "schema-id", "", "`ID` of the identity schema; default the bridge's")
	flags.StringVar(&f.traits, "traits", "", "traits as a `JSON` object; the e-mail trait is filled in")
	flags.StringVar(&f.metadataPublic, "metadata-public", "", "public metadata as `JSON`")
	flags.StringVar(&f.metadataAdmin, "metadata-admin", "", "admin metadata as a `JSON` object")
	flags.StringVar(&f.InviterID, "inviter-id", "", "who invites: an `ID` of your choice")
	flags.StringVar(&f.InviterName, "inviter-name", "", "who invites: the `NAME` that the invitee reads")
	flags.StringVar(&f.InviterEmail, "inviter-email", "", "who invites: the `EMAIL` that replies go to, if the bridge is configured so")
	flags.StringVar(&f.Locale, "locale", "", "`LANGUAGE` of the e-mail, such as de")
	flags.StringVar(&f.TimeZone, "timezone", "", "`ZONE` of the dates that the invitee reads, such as Europe/Berlin")
	flags.StringVar(&f.ReturnTo, "return-to", "", "`URL` to go to after accepting; must be an allowed one")
	flags.DurationVar(&f.ExpiresIn, "expires-in", 0, "how long the invitation is good, such as 48h; default the bridge's")
	flags.BoolVar(&f.Reactivate, "reactivate", false, "invite an account that was deactivated, or imported with credentials; they are removed")
	flags.BoolVar(&f.KeepAddresses, "keep-addresses", false, "the other addresses of an existing identity belong to the invitee")
	flags.BoolVar(&f.Quiet, "no-notify", false, "send no email: the link is passed on by other means")
}

// invitees are those of the command line or of a file.
func (f *inviteFlags) invitees(emails []string, request bridge.InviteRequest) ([]invitee, error) {
	switch {
	case f.from != "":
		return readInvitees(f.from, request.Traits)
	case f.identityID != "":
		return []invitee{{traits: request.Traits}}, nil
	}
	var list []invitee
	for _, email := range emails {
		list = append(list, invitee{email: email, traits: request.Traits})
	}
	return list, nil
}

// request reads what the flags say; the e-mail is still missing.
func (f *inviteFlags) request(cmd *cobra.Command, emails []string) (r bridge.InviteRequest, err error) {
	r = f.InviteRequest
	given := 0
	for _, is := range []bool{len(emails) > 0, f.identityID != "", f.from != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return r, fmt.Errorf("give either EMAIL or --identity-id or --from (try %q)", cmd.CommandPath()+" --help")
	}
	if f.identityID != "" {
		if r.IdentityID, err = uuid.Parse(f.identityID); err != nil {
			return r, errors.New("--identity-id is not an id")
		}
	}
	if cmd.Flags().Changed("expires-in") && r.ExpiresIn <= 0 {
		return r, errors.New("--expires-in must be more than nothing")
	}
	var object map[string]json.RawMessage
	var value any
	for _, flag := range []struct {
		name, text string
		shape      any
		to         *json.RawMessage
	}{
		{"traits", f.traits, &object, &r.Traits},
		{"metadata-public", f.metadataPublic, &value, &r.MetadataPublic},
		{"metadata-admin", f.metadataAdmin, &object, &r.MetadataAdmin},
	} {
		if !cmd.Flags().Changed(flag.name) {
			continue
		}
		if err := json.Unmarshal([]byte(flag.text), flag.shape); err != nil {
			return r, fmt.Errorf("--%s is not the JSON it must be: %w", flag.name, err)
		}
		*flag.to = json.RawMessage(flag.text)
	}
	return r, nil
}
