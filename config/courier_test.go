package config_test

// smtp returns a file with a mail server and a sender.
func smtp(uri string) string {
	return `courier: {smtp: {connection_uri: "` + uri + `", from_address: invitations@x.example}}`
}

// sender returns a file with a sender, given as YAML.
func sender(address string) string { return `courier: {smtp: {from_address: ` + address + `}}` }

// exception returns a file with a URL exempt from the ban on private addresses.
func exception(url string) string {
	return `clients: {http: {private_ip_exception_urls: ["` + url + `"]}}`
}

const (
	uriKey       = "courier.smtp.connection_uri"
	senderKey    = "courier.smtp.from_address"
	exceptionKey = "clients.http.private_ip_exception_urls[0]"
)

var courierRefusals = []refusal{
	{"smtp/scheme", smtp("http://mail.example:25"), uriKey, true},
	{"smtp/no_scheme", smtp("mail.example:25"), uriKey, true},
	{"smtp/opaque", smtp("smtp:mail.example"), uriKey, true},
	{"smtp/no_host", smtp("smtp://:25/"), uriKey, false},
	{"smtp/port", smtp("smtp://mail.example:65536/"), uriKey, false},
	{"smtp/port_zero", smtp("smtp://mail.example:0/"), uriKey, false},
	{"smtp/path", smtp("smtp://mail.example/inbox"), uriKey, true},
	{"smtp/fragment", smtp("smtp://mail.example/#"), uriKey, true},
	{"smtp/user_alone", smtp("smtp://user@mail.example/"), uriKey, false},
	{"smtp/password_alone", smtp("smtp://:password@mail.example/"), uriKey, false},
	{"smtp/control_in_password", smtp("smtp://user:pass%00word@mail.example/"), uriKey, false},
	{"smtp/slash_in_password", smtp("smtp://user:1/2@mail.example/"), uriKey, true},
	{"smtp/percent_in_password", smtp("smtp://user:100%@mail.example/"), uriKey, false},
	{"smtp/unknown_parameter", smtp("smtp://mail.example/?legacy_ssl=true"), uriKey, false},
	{"smtp/parameter_twice", smtp("smtp://mail.example/?skip_ssl_verify=true&skip_ssl_verify=false"), uriKey, false},
	{"smtp/starttls_neither_on_nor_off", smtp("smtp://mail.example/?disable_starttls=yes"), uriKey, false},
	{"smtp/verify_empty", smtp("smtp://mail.example/?skip_ssl_verify"), uriKey, false},
	{"smtp/server_name", smtp("smtp://mail.example/?server_name=a:1"), uriKey, false},
	{"smtp/semicolons", smtp("smtp://mail.example/?skip_ssl_verify=true;disable_starttls=true"), uriKey, false},

	{"sender/with_name", sender(`"Team <a@x.example>"`), senderKey, true},
	{"sender/in_brackets", sender(`<a@x.example>`), senderKey, false},
	{"sender/no_domain", sender(`invitations`), senderKey, true},
	{"sender/two", sender(`"a@x.example,b@x.example"`), senderKey, false},
	{"sender/quoted", sender(`'"a"@x.example'`), senderKey, false},
	{"sender/not_ascii", sender(`a@kölle.example`), senderKey, true},
	{"sender/line_break", sender(`"a@x.example\nBcc: b@x.example"`), senderKey, true},
	{"sender/name_with_line_break", `courier: {smtp: {from_name: "Team\r\nBcc: b@x.example"}}`, "courier.smtp.from_name", true},
	{"sender/name_with_escape", `courier: {smtp: {from_name: "\e[31m"}}`, "courier.smtp.from_name", true},

	{"local_name/with_underscore", `courier: {smtp: {local_name: my_host}}`, "courier.smtp.local_name", true},
	{"local_name/address_without_brackets", `courier: {smtp: {local_name: "2001:db8::1"}}`, "courier.smtp.local_name", true},
	{"local_name/not_an_address", `courier: {smtp: {local_name: "[x]"}}`, "courier.smtp.local_name", false},
	{"local_name/with_line_break", `courier: {smtp: {local_name: "a\nMAIL"}}`, "courier.smtp.local_name", true},
	{"traits/array", `invitation: {traits_in_messages: ["a[0]"]}`, "invitation.traits_in_messages[0]", true},
	{"traits/empty", `invitation: {traits_in_messages: [""]}`, "invitation.traits_in_messages[0]", true},
	{"traits/twice", `invitation: {traits_in_messages: [name.first, name.first]}`, "invitation.traits_in_messages[1]", true},

	{"templates/relative", `courier: {template_override_path: templates}`, "courier.template_override_path", true},
	{"templates/line_break", `courier: {template_override_path: "/x\ny"}`, "courier.template_override_path", false},

	{"exceptions/relative", exception("/hook"), exceptionKey, true},
	{"exceptions/empty", exception(""), exceptionKey, true},
	{"exceptions/network", exception("10.0.0.0/8"), exceptionKey, true},
	{"exceptions/user", exception("http://u@x/"), exceptionKey, true},
	{"exceptions/fragment", exception("http://x/#a"), exceptionKey, true},
	{"exceptions/pattern", exception("http://10.0.0.1/*"), exceptionKey, true},
}

var courierAcceptances = []acceptance{
	{"smtp_of_kratos", smtp("smtps://test:test@mailslurper:1025/?skip_ssl_verify=true")},
	{"smtp_alone", smtp("smtp://mail.example")},
	{"smtp_empty_user", smtp("smtp://:@mail.example:25")},
	{"smtp_address", smtp("smtps://[::1]:465")},
	{"smtp_encoded", smtp("smtp://user%40x.example:p%2F%3F%23%40%25@mail.example:587/")},
	{"smtp_parameters", smtp("smtp://mail.example:25?disable_starttls=1&skip_ssl_verify=False&server_name=mx.x.example")},
	{"no_smtp", `courier: {smtp: {connection_uri: "", from_address: ""}}`},
	{"sender_alone", sender("a.b+c@localhost")},
	{"sender_name", `courier: {smtp: {from_name: "Tëam “A”, B & C"}}`},
	{"local_name", `courier: {smtp: {local_name: bridge.example.com, reply_to_inviter: true}}`},
	{"local_name_address", `courier: {smtp: {local_name: "[IPv6:2001:db8::1]"}}`},
	{"traits", `invitation: {traits_in_messages: [name.first, department]}`},
	{"templates", `courier: {template_override_path: /etc/invitebridge/templates/}`},
	{"exceptions", `clients: {http: {disallow_private_ip_ranges: true, private_ip_exception_urls: ["http://10.0.0.1:8080/hook?a=b", "https://x.internal"]}}`},
}
