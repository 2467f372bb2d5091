package main

import "strings"

// The calls of each scenario in order, as cmd/invitebridge/serve_failpoints.go numbers
// them. checkPointNames fails if one is missing here or does not occur.
var (
	invitePoints = failpoints("invite", "pre_invitation_creation1", "create1", "request1", "update1")
	// For an identity that exists.
	adoptPoints = failpoints("invite", "pre_invitation_creation1", "create1", "request1", "find_by_email1", "request2",
		"has_sessions1", "request3", "get1", "request4", "has_sessions2", "request5", "get2", "request6",
		"update1", "mark1", "request7", "update2")
	// For an identity that was used as an account.
	reactivateInvitePoints = failpoints("invite", "pre_invitation_creation1", "create1", "request1", "find_by_email1", "request2",
		"has_sessions1", "request3", "get1", "request4", "get2", "request5", "get3", "request6",
		"update1", "mark1", "request7", "update2")
	acceptPoints = failpoints("accept", "update1", "pre_password_creation1",
		"get1", "request1", "update2", "activate1", "request2", "update3")
	// With the token of an email, which proves control of the address.
	emailPoints = failpoints("accept", "update1", "pre_password_creation1",
		"get1", "request1", "update2", "verify1", "request2", "update3", "activate1", "request3", "update4")
	// Without a password: one write, and the recovery code after the commit.
	kratosPoints = failpoints("accept", "update1", "pre_password_creation1",
		"get1", "request1", "update2", "activate_only1", "request2", "update3", "recovery1", "request3")
	// The former holder's password is replaced; the sessions, the link to a
	// provider and the authenticator app are removed.
	reactivateAcceptPoints = failpoints("accept", "update1", "pre_password_creation1",
		"get1", "request1", "update2", "set_password1", "request2", "has_sessions1", "request3",
		"get2", "request4", "update3", "end_sessions1", "request5",
		"get3", "request6", "update4", "remove_credential1", "request7",
		"get4", "request8", "update5", "remove_credential2", "request9",
		"get5", "request10", "has_sessions2", "request11",
		"get6", "request12", "update6", "activate1", "request13", "update7")
	resendPoints = failpoints("resend", "get1", "request1", "update1")
	revokePoints = failpoints("revoke", "update1")
	// While a blocking hook is running: the acceptance must not begin its write.
	revokeRunningPoints = append(failpoints("accept", "update1", "pre_password_creation1", "get1", "request1", "update2", "update3"),
		failpoints("revoke", "update1")...)
	// After a write whose response was lost.
	revokeLandedPoints = failpoints("revoke", "update1", "get1", "request1", "update2")
	// It ends the invitation and locks its address, then deletes the identity, then the
	// rows.
	forgetPoints = failpoints("forget", "update1", "update2", "has_sessions1", "request1", "get1", "request2", "get2", "request3",
		"update3", "delete1", "request4", "update4")
	forgetSample = []string{
		"forget.update1.after", "forget.update2.after", "forget.update3.after", "forget.request4.before", "forget.delete1.after", "forget.update4.after",
	}
	renewPoints  = failpoints("renew", "pre_invitation_creation1", "get1", "request1", "update1")
	expirePoints = failpoints("sweep", "update1")
	// With the deletion of unaccepted identities.
	deletePoints = failpoints("sweep", "update1", "has_sessions1", "request1", "get1", "request2", "get2", "request3",
		"update2", "delete1", "request4", "update3")
	reconcilePoints = failpoints("sweep", "get1", "request1", "update1")
	// A file of twelve rows, eight of which ask a hook. Those whose identity exists are
	// processed after the batch, beside each other.
	importPoints = append(failpoints("load", "update1", "update2", "update3"), failpoints("import", "update1",
		"pre_invitation_creation1", "pre_invitation_creation2", "pre_invitation_creation3", "pre_invitation_creation4",
		"pre_invitation_creation5", "pre_invitation_creation6", "pre_invitation_creation7", "pre_invitation_creation8",
		"create_all1", "request1", "request2", "request3", "create1", "create2", "request4", "request5",
		"find_by_email1", "find_by_email2", "request6", "request7", "has_sessions1", "has_sessions2", "request8", "request9",
		"get1", "get2", "request10", "request11", "has_sessions3", "request12", "get3", "request13",
		"update2", "mark1", "request14", "request15", "update3", "update4")...)
	importSample = []string{
		"load.update2.after", "load.update3.before", "load.update3.after", "import.update1.after", "import.create_all1.before",
		"import.request3.before", "import.create_all1.after", "import.mark1.after", "import.update4.before", "import.update4.after",
	}
	// Messages that the commit of the invitation has claimed.
	sendPoints = append(failpoints("send", "crm1", "courier1"), failpoints("finish", "update1")...)
	// Messages that are queued first.
	deliverPoints = append(append(failpoints("claim", "update1"), failpoints("send", "crm1")...), failpoints("finish", "update1")...)
)

// failpoints returns the names of the failpoints before and after each call. A
// request to Kratos is part of a call and has only one before it.
func failpoints(verb string, calls ...string) (points []string) {
	for _, call := range calls {
		points = append(points, verb+"."+call+".before")
		if !strings.HasPrefix(call, "request") {
			points = append(points, verb+"."+call+".after")
		}
	}
	return points
}
