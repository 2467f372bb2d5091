// Command client sends one invitation through a bridge, using only code generated
// from the OpenAPI document. The generated code is not in the repository: a test
// of the bridge generates it, so this package does not build by itself.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	_ "github.com/oapi-codegen/runtime" // imported by the generated code
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: client ADMIN_URL PUBLIC_API_URL KEY EMAIL PASSWORD")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, adminURL, publicURL, key, email, password string) error {
	admin, err := NewClientWithResponses(adminURL, WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		return err
	}
	invitee, err := NewClientWithResponses(publicURL)
	if err != nil {
		return err
	}
	issued, err := invite(ctx, admin, email)
	if err != nil {
		return err
	}
	if issued.InvitationToken == nil {
		return errors.New("the new invitation has no token")
	}
	if err := accept(ctx, invitee, *issued.InvitationToken, email, password); err != nil {
		return err
	}
	return readBack(ctx, admin, issued.Id)
}

func invite(ctx context.Context, admin *ClientWithResponses, email string) (*InvitationWithToken, error) {
	wrong, err := admin.CreateInvitationWithResponse(ctx, &CreateInvitationParams{IdempotencyKey: text("generated")}, CreateInvitationBody{Email: &email, ExpiresIn: text("1000000h")})
	if err != nil {
		return nil, err
	}
	if wrong.JSON400 == nil || wrong.JSON400.Error.Id != ErrorIdExpiresInInvalid {
		return nil, unexpected("creating an invitation for a century", wrong.Body)
	}
	invited, err := admin.CreateInvitationWithResponse(ctx, &CreateInvitationParams{IdempotencyKey: text("generated")}, CreateInvitationBody{Email: &email, InviterName: text("Grace")})
	if err != nil {
		return nil, err
	}
	if invited.JSON201 == nil {
		return nil, unexpected("creating an invitation", invited.Body)
	}
	return invited.JSON201, nil
}

func accept(ctx context.Context, invitee *ClientWithResponses, token InvitationToken, email, password string) error {
	preview, err := invitee.LookAtInvitationWithResponse(ctx, token)
	if err != nil {
		return err
	}
	if preview.JSON200 == nil || preview.JSON200.Email != email || *preview.JSON200.InviterName != "Grace" {
		return unexpected("previewing the invitation", preview.Body)
	}
	accepted, err := invitee.AcceptInvitationWithResponse(ctx, token, AcceptInvitationBody{Password: &password})
	if err != nil {
		return err
	}
	if accepted.JSON200 == nil || accepted.JSON200.Invitation.State != InvitationStateAccepted || len(accepted.JSON200.ContinueWith) != 1 {
		return unexpected("accepting", accepted.Body)
	}
	again, err := invitee.ConfirmInvitationWithResponse(ctx, ConfirmInvitationBody{InvitationToken: token, Password: &password})
	if err != nil {
		return err
	}
	if again.JSON410 == nil || again.JSON410.Error.Id != ErrorIdInvitationAccepted {
		return unexpected("accepting again", again.Body)
	}
	return nil
}

func readBack(ctx context.Context, admin *ClientWithResponses, id InvitationId) error {
	got, err := admin.GetInvitationWithResponse(ctx, id)
	if err != nil {
		return err
	}
	if got.JSON200 == nil || got.JSON200.AcceptedAt == nil {
		return unexpected("getting the invitation", got.Body)
	}
	state, size := InvitationStateAccepted, int32(1)
	page, err := admin.ListInvitationsWithResponse(ctx, &ListInvitationsParams{State: &state, PageSize: &size})
	if err != nil {
		return err
	}
	if page.JSON200 == nil || len(*page.JSON200) != 1 || (*page.JSON200)[0].Id != id {
		return unexpected("listing invitations", page.Body)
	}
	return nil
}

func text(s string) *string { return &s }

func unexpected(what string, body []byte) error {
	return errors.New(what + ": unexpected response: " + string(body))
}
