package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

// issuedColumns leave out the token: the link carries it.
var issuedColumns = []string{"id", "email", "expires_at", "invitation_link"}

func newCreateInvitation(o *clientOptions) *cobra.Command {
	var f inviteFlags
	cmd := &cobra.Command{
		Use:     "invitation EMAIL...",
		Aliases: []string{"invitations"},
		Short:   "Invite email addresses, or an inactive identity",
		Long: "Invites each email address or, with --identity-id, an existing inactive identity.\n" +
			"An address that already has a pending invitation keeps it and gets an additional\n" +
			"token. The token and the link are in the result, and are never shown again.\n\n" +
			"An existing identity is invited only if it was never used. With --reactivate it may\n" +
			"also be a deactivated account, even another person's, or an imported one: all of its\n" +
			"sessions and credentials are removed before the invitee gets access. Kratos sends\n" +
			"codes and recovery links to all addresses of an identity: if it has addresses other\n" +
			"than EMAIL, confirm with --keep-addresses that they belong to the invitee.\n\n" +
			"FILE is CSV in UTF-8 and lists each address once. Its first line names the columns:\n" +
			"email, and paths of traits such as name.first, which override those of --traits.\n" +
			"All values are strings; an empty cell sets no trait.",
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
	return forEach(ctx, s, invitees, issuedColumns, func(ctx context.Context, one invitee) (httpapi.IssuedInvitation, error) {
		request.Email, request.Traits = one.email, one.traits
		issued, created, err := s.client.Invite(ctx, request)
		if err != nil {
			return issued, err
		}
		if !created {
			s.note("%s was already invited; this is an additional token for that invitation.", printable(issued.Email))
		}
		return issued, nil
	})
}

// inviteFlags holds the flags that make up the body of an invitation.
type inviteFlags struct {
	bridge.InviteRequest
	noReminders                           bool
	identityID, from, organizationID      string
	traits, metadataPublic, metadataAdmin string
}

func (f *inviteFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.identityID, "identity-id", "", "`ID` of an inactive identity, instead of EMAIL")
	flags.StringVar(&f.from, "from", "", "`FILE` of comma-separated values, instead of EMAIL")
	flags.StringVar(&f.ExternalID, "external-id", "", "your own `ID` of the identity; one EMAIL only, and Kratos v25.4.0 or later")
	flags.StringVar(&f.organizationID, "organization-id", "", "`ID` of the identity's organization; Kratos v25.4.0 or later")
	flags.StringVar(&f.SchemaID, "schema-id", "", "`ID` of the identity schema; default the bridge's")
	flags.StringVar(&f.traits, "traits", "", "traits as a `JSON` object; the email trait is filled in")
	flags.StringVar(&f.metadataPublic, "metadata-public", "", "public metadata as `JSON`")
	flags.StringVar(&f.metadataAdmin, "metadata-admin", "", "admin metadata as a `JSON` object")
	flags.StringVar(&f.InviterID, "inviter-id", "", "`ID` of the inviter, of your choice")
	flags.StringVar(&f.InviterName, "inviter-name", "", "`NAME` of the inviter, shown to the invitee")
	flags.StringVar(&f.InviterEmail, "inviter-email", "", "`EMAIL` of the inviter, for replies if the bridge is configured for that")
	flags.StringVar(&f.Locale, "locale", "", "`LANGUAGE` of the email, such as de")
	flags.StringVar(&f.TimeZone, "timezone", "", "`ZONE` of the dates shown to the invitee, such as Europe/Berlin")
	flags.StringVar(&f.ReturnTo, "return-to", "", "`URL` to go to after accepting; must be in allowed_return_urls")
	flags.DurationVar(&f.ExpiresIn, "expires-in", 0, "how long the invitation is valid, such as 48h; default the bridge's")
	flags.DurationSliceVar(&f.Reminders, "reminder", nil, "remind the invitee this `DURATION` before the expiry, such as 72h; repeatable; default the bridge's")
	flags.Lookup("reminder").DefValue = "" // help would show an empty list
	flags.BoolVar(&f.noReminders, "no-reminders", false, "send no reminders")
	flags.BoolVar(&f.Reactivate, "reactivate", false, "also invite an account that was deactivated, or imported with credentials, which are removed")
	flags.BoolVar(&f.KeepAddresses, "keep-addresses", false, "confirm that all addresses of an existing identity belong to the invitee")
	flags.BoolVar(&f.Quiet, "no-notify", false, "send no email; you pass on the link")
}

// invitees returns those on the command line or in a file.
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

// request returns the request that the flags describe, without the email.
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
	if f.organizationID != "" {
		if r.OrganizationID, err = uuid.Parse(f.organizationID); err != nil {
			return r, errors.New("--organization-id is not an id")
		}
	}
	if f.ExternalID != "" && (len(emails) > 1 || f.from != "") {
		return r, errors.New("--external-id is the id of one identity; invite one EMAIL at a time")
	}
	if cmd.Flags().Changed("expires-in") && r.ExpiresIn <= 0 {
		return r, errors.New("--expires-in must be greater than 0")
	}
	if f.noReminders {
		if len(r.Reminders) > 0 {
			return r, errors.New("give either --reminder or --no-reminders")
		}
		r.Reminders = []time.Duration{}
	}
	if err := bridge.CheckReminders(r.Reminders); err != nil {
		return r, fmt.Errorf("--reminder must be %w", err)
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
			return r, fmt.Errorf("--%s is not valid JSON of the required form: %w", flag.name, err)
		}
		*flag.to = json.RawMessage(flag.text)
	}
	return r, nil
}
