package kratostest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SetTOTP sets up an authenticator app in the settings of a session. code
// returns the app's current code.
func (s *Server) SetTOTP(ctx context.Context, sessionToken string) (code func() string, err error) {
	v := s.app(sessionToken)
	f, err := v.begin(ctx, "settings", nil)
	if err != nil {
		return nil, sessionError(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(f.text("totp_secret_key"))
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("kratostest: the settings show no TOTP secret: %q, %w", f.text("totp_secret_key"), err)
	}
	code = func() string { return totp(secret, time.Now()) }
	_, err = v.change(ctx, f, map[string]any{"method": "totp", "totp_code": code()})
	return code, err
}

// totp implements RFC 6238 with the parameters that every app uses: SHA-1, 30
// seconds, six digits.
func totp(secret []byte, now time.Time) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, now.Unix()/30)
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// StepUpTOTP raises a session to aal2 with the code of an authenticator app.
//
// Errors: ErrWrongCode, ErrNoSession.
func (s *Server) StepUpTOTP(ctx context.Context, sessionToken, code string) error {
	return s.stepUp(ctx, sessionToken, map[string]any{"method": "totp", "totp_code": code})
}

// SetLookupSecrets sets up backup codes in the settings of a session and
// returns them. Each is valid once.
func (s *Server) SetLookupSecrets(ctx context.Context, sessionToken string) ([]string, error) {
	v := s.app(sessionToken)
	f, err := v.settings(ctx, map[string]any{"method": "lookup_secret", "lookup_secret_regenerate": true})
	if err != nil {
		return nil, err
	}
	codes := f.text("lookup_secret_codes")
	if codes == "" {
		return nil, errors.New("kratostest: the settings show no backup codes")
	}
	_, err = v.change(ctx, f, map[string]any{"method": "lookup_secret", "lookup_secret_confirm": true})
	return strings.Split(codes, ", "), err
}

// StepUpLookup raises a session to aal2 with a backup code.
//
// Errors: ErrWrongCode, ErrNoSession.
func (s *Server) StepUpLookup(ctx context.Context, sessionToken, code string) error {
	return s.stepUp(ctx, sessionToken, map[string]any{"method": "lookup_secret", "lookup_secret": code})
}

func (s *Server) stepUp(ctx context.Context, sessionToken string, form map[string]any) error {
	a, err := s.app(sessionToken).submit(ctx, "login", url.Values{"aal": {"aal2"}}, form)
	if err == nil && a.status != http.StatusOK {
		err = a.asError()
	}
	return sessionError(err)
}
