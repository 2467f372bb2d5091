package config_test

// pageOf returns a file with one key of the page.
func pageOf(key, value string) string { return `page: {` + key + `: "` + value + `"}` }

var pageRefusals = []refusal{
	{"page/title_with_line_break", pageOf("title", `a\nb`), "page.title", true},
	{"page/logo_relative", pageOf("logo_path", "logo.svg"), "page.logo_path", true},
	{"page/logo_of_a_url", pageOf("logo_path", "https://x.example/logo.svg"), "page.logo_path", true},
	{"page/css_relative", pageOf("css_path", "style.css"), "page.css_path", true},
	{"page/css_with_line_break", pageOf("css_path", `/x\ny`), "page.css_path", false},
	{"page/templates_relative", pageOf("template_override_path", "page"), "page.template_override_path", true},
	{"page/support_is_not_an_address", pageOf("support_address", "help"), "page.support_address", true},
	{"page/support_over_plain_http", pageOf("support_address", "http://x.example"), "page.support_address", true},
	{"page/support_with_script", pageOf("support_address", "javascript:alert(1)"), "page.support_address", true},
	{"page/support_with_user", pageOf("support_address", "https://u:p@x.example"), "page.support_address", false},
	{"page/color_by_name", pageOf("accent_color", "blue"), "page.accent_color", true},
	{"page/color_too_short", pageOf("accent_color_dark", "#abc"), "page.accent_color_dark", true},
	{"page/color_and_more", pageOf("accent_color", "#123456; } body {"), "page.accent_color", true},
}

var pageAcceptances = []acceptance{
	{"page", `page: {title: "Tëam “A” & B", logo_path: /logo.svg, support_address: help@x.example, accent_color: "#1F5fbf",
  accent_color_dark: "#8ab8ff", css_path: /style.css, template_override_path: /etc/invitebridge/page/}`},
	{"page_with_a_site_for_support", pageOf("support_address", "https://x.example/help?a=b")},
}
