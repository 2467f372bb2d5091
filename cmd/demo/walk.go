package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"
)

const (
	password = "correct-Horse-7-battery"
)

// tokenInEmail matches the token in the link of an email.
var tokenInEmail = regexp.MustCompile(`/invite/([A-Za-z0-9_-]{22})`)

// walk sends two invitations through and prints each request and response.
func walk(ctx context.Context, key string, receivers *receivers) error {
	if err := await(ctx, "http://127.0.0.1:4489/health/ready"); err != nil {
		return err
	}
	if err := withPassword(ctx, key, receivers); err != nil {
		return err
	}
	return withoutPassword(ctx, key, receivers)
}

// withPassword ends with a login with the password that the invitee chose.
func withPassword(ctx context.Context, key string, receivers *receivers) error {
	email := address("ada")
	say("1. An inviter invites " + email + ".")
	identityID, accept, err := invite(ctx, key, email, receivers)
	if err != nil {
		return err
	}
	say("2. Kratos has an inactive identity.")
	identity := fmt.Sprintf("http://127.0.0.1:%d/admin/identities/%s", kratosAdmin, identityID)
	if err := call(ctx, http.MethodGet, identity, "", nil, nil, http.StatusOK); err != nil {
		return err
	}
	say("3. The invitee chooses a weak password. The token stays valid.")
	if err := call(ctx, http.MethodPost, accept, "", map[string]any{"password": "1234567"}, nil, http.StatusBadRequest); err != nil {
		return err
	}
	say("4. The invitee accepts with the token from the email, which proves control of the mailbox.")
	if err := call(ctx, http.MethodPost, accept, "", map[string]any{"password": password}, nil, http.StatusOK); err != nil {
		return err
	}
	say("5. A login at Kratos with that password succeeds.")
	var flow struct {
		UI struct {
			Action string `json:"action"`
		} `json:"ui"`
	}
	if err := get(ctx, kratosURL+"/self-service/login/api", &flow); err != nil {
		return err
	}
	return call(ctx, http.MethodPost, flow.UI.Action, "",
		map[string]any{"method": "password", "identifier": email, "password": password}, nil, http.StatusOK)
}

// withoutPassword ends with the session of an invitee who chooses another way.
func withoutPassword(ctx context.Context, key string, receivers *receivers) error {
	email := address("lin")
	say("6. An inviter invites " + email + ".")
	_, accept, err := invite(ctx, key, email, receivers)
	if err != nil {
		return err
	}
	say("7. The invitee accepts without a password, and gets a code for Kratos.")
	var accepted struct {
		Next []struct {
			Code string `json:"recovery_code"`
			Flow struct {
				ID string `json:"id"`
			} `json:"flow"`
		} `json:"continue_with"`
	}
	body := map[string]any{"method": "kratos", "flow_type": "api"} // a browser needs no flow_type
	if err := call(ctx, http.MethodPost, accept, "", body, &accepted, http.StatusOK); err != nil {
		return err
	}
	if len(accepted.Next) == 0 {
		return errors.New("the answer has no code")
	}
	say("8. The code signs the invitee in at Kratos, which offers passkeys and whatever else it has.")
	var in struct {
		Next []struct {
			Token string `json:"ory_session_token"`
		} `json:"continue_with"`
	}
	recovery := kratosURL + "/self-service/recovery?flow=" + accepted.Next[0].Flow.ID
	body = map[string]any{"method": "code", "code": accepted.Next[0].Code}
	if err := call(ctx, http.MethodPost, recovery, "", body, &in, http.StatusOK); err != nil {
		return err
	}
	if len(in.Next) == 0 {
		return errors.New("the answer has no session token")
	}
	say("9. The session.")
	return call(ctx, http.MethodGet, kratosURL+"/sessions/whoami", in.Next[0].Token, nil, nil, http.StatusOK)
}

// address returns an email address that differs from those of earlier runs.
func address(name string) string {
	return fmt.Sprintf("%s+%d@example.com", name, time.Now().Unix())
}

// invite invites someone, and returns the identity and the URL at which the invitee
// accepts, which has the token from the email.
func invite(ctx context.Context, key, email string, receivers *receivers) (identityID, accept string, err error) {
	var offer struct {
		IdentityID string `json:"identity_id"`
	}
	body := map[string]any{"email": email, "inviter_name": "Grace", "metadata_public": map[string]any{"team": "blue"}}
	if err := call(ctx, http.MethodPost, admin+"/", key, body, &offer, http.StatusCreated); err != nil {
		return "", "", err
	}
	message, err := receivers.email()
	if err != nil {
		return "", "", err
	}
	found := tokenInEmail.FindStringSubmatch(message.Text)
	if found == nil {
		return "", "", errors.New("the email has no link")
	}
	return offer.IdentityID, public + "/" + found[1], nil
}
