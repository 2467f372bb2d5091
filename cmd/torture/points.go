package main

// The arrows of each scenario in their order, as cmd/invitebridge/failpoints.go
// names them. One that is missing here, or that is here alone, is an error.
var (
	invitePoints = []string{
		"invite.pre_invitation_creation1.before",
		"invite.pre_invitation_creation1.after",
		"invite.create1.before",
		"invite.request1.before",
		"invite.create1.after",
		"invite.update1.before",
		"invite.update1.after",
	}
	acceptPoints = []string{
		"accept.update1.before",
		"accept.update1.after",
		"accept.pre_password_creation1.before",
		"accept.pre_password_creation1.after",
		"accept.activate1.before",
		"accept.request1.before",
		"accept.request2.before",
		"accept.activate1.after",
		"accept.update2.before",
		"accept.update2.after",
	}
	// With the token of a letter, which shows that the address is the invitee's.
	letterPoints = []string{
		"accept.update1.before",
		"accept.update1.after",
		"accept.pre_password_creation1.before",
		"accept.pre_password_creation1.after",
		"accept.activate1.before",
		"accept.request1.before",
		"accept.request2.before",
		"accept.request3.before",
		"accept.request4.before",
		"accept.activate1.after",
		"accept.update2.before",
		"accept.update2.after",
	}
	// Of an identity that is there already.
	adoptPoints = []string{
		"invite.pre_invitation_creation1.before",
		"invite.pre_invitation_creation1.after",
		"invite.create1.before",
		"invite.request1.before",
		"invite.create1.after",
		"invite.find_by_email1.before",
		"invite.request2.before",
		"invite.find_by_email1.after",
		"invite.update1.before",
		"invite.update1.after",
	}
	resendPoints = []string{
		"resend.get1.before",
		"resend.request1.before",
		"resend.get1.after",
		"resend.update1.before",
		"resend.update1.after",
	}
	revokePoints = []string{
		"revoke.update1.before",
		"revoke.update1.after",
	}
	renewPoints = []string{
		"renew.get1.before",
		"renew.request1.before",
		"renew.get1.after",
		"renew.update1.before",
		"renew.update1.after",
	}
	expirePoints = []string{
		"sweep.update1.before",
		"sweep.update1.after",
	}
	// With the identities of those who did not accept.
	deletePoints = []string{
		"sweep.get1.before",
		"sweep.request1.before",
		"sweep.get1.after",
		"sweep.delete1.before",
		"sweep.request2.before",
		"sweep.request3.before",
		"sweep.delete1.after",
		"sweep.update1.before",
		"sweep.update1.after",
	}
	settlePoints = []string{
		"sweep.get1.before",
		"sweep.request1.before",
		"sweep.get1.after",
		"sweep.update1.before",
		"sweep.update1.after",
	}
	deliverPoints = []string{
		"claim.update1.before",
		"claim.update1.after",
		"send.crm1.before",
		"send.crm1.after",
		"send.courier1.before",
		"send.courier1.after",
		"finish.update1.before",
		"finish.update1.after",
	}
)
