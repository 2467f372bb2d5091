package main

import (
	"context"
	"fmt"
)

// clientCounts are the numbers of clients that call at once.
var clientCounts = []int{1, 16}

const cheapBcrypt = 8

// mailConfig makes the bridge send email to an address.
const mailConfig = `courier: { smtp: { connection_uri: "smtp://%s/?disable_starttls=true", from_address: bridge@example.com } }
`

// measureInvite compares an invite without an email with the create that it consists
// of, and with what Kratos documents instead.
func measureInvite(ctx context.Context, s *stage) error {
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	b, err := s.startBridge(ctx, k, "")
	if err != nil {
		return err
	}
	for _, clients := range clientCounts {
		all, err := s.compare(ctx, clients, s.bareCreate(k), s.invite(k, b), s.recoveryCode(k))
		if err != nil {
			return err
		}
		s.bench.report.compare(all)
		bare, invite := all[0], all[1]
		s.bench.report.ratio(fmt.Sprintf("invite / bare create, %d at once", clients), invite, bare, map[int]float64{1: 0.85, 16: 0.88}[clients])
		s.bench.report.ratio(fmt.Sprintf("invite / create + recovery code, %d at once", clients), invite, all[2], 0)
		if clients == 16 {
			s.bench.report.share("invite: CPU of the bridge / CPU of Kratos and database for the bare create", invite, bare, 0.12)
		}
	}
	return nil
}

// measureMail does the same for an invite with an email.
func measureMail(ctx context.Context, s *stage) error {
	var err error
	if s.receiver, err = s.startHelper("mail"); err != nil {
		return err
	}
	k, err := s.startKratos(ctx, cheapBcrypt, "")
	if err != nil {
		return err
	}
	courier, err := s.startKratos(ctx, cheapBcrypt, s.receiver.Address)
	if err != nil {
		return err
	}
	if err := courier.suspend(); err != nil {
		return err
	}
	s.atEnd(courier.resume) // to be stopped
	b, err := s.startBridge(ctx, k, fmt.Sprintf(mailConfig, s.receiver.Address))
	if err != nil {
		return err
	}
	for _, clients := range clientCounts {
		all, err := s.compare(ctx, clients, s.bareCreate(k), s.inviteByEmail(k, b), s.recoveryEmail(courier))
		if err != nil {
			return err
		}
		s.bench.report.compare(all)
		bare, invite, documented := all[0], all[1], all[2]
		s.bench.report.ratio(fmt.Sprintf("invite with an email / bare create, %d at once", clients), invite, bare, map[int]float64{1: 0.78, 16: 0.82}[clients])
		if clients == 16 {
			s.bench.report.ratio("invite with an email / create + recovery email by Kratos' courier, 16 at once", invite, documented, 2.2)
			s.bench.report.share("invite with an email: CPU of the bridge / CPU of Kratos and database for the bare create", invite, bare, 0.22)
		}
	}
	return nil
}
