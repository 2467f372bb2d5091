// Package page renders the page that an invitee sees after opening the link of
// an invitation.
//
// It handles templates, translations and style, and knows nothing of HTTP:
// package httpapi selects the screen, serves it and processes the form. A page
// is a single document with style, script and logo inline, so a browser
// requests nothing else. It works without its script.
//
// # Custom texts and templates
//
// Config.TemplateOverridePath is a directory that may contain
//
//   - en.json, de.json: texts that replace the built-in texts with the same key;
//   - a file for another language, such as fr.json or pt-br.json, with a text
//     for each key of builtin/en.json;
//   - page.gotmpl: the whole document, in place of builtin/page.gotmpl.
//
// Any other file is an error, and so is an unknown key. A text must have the
// same placeholders in braces as the English one. If a language lacks a key that
// was added by an upgrade, an older text of that language is used.
//
// The template uses html/template and receives a [Data]. Its style and script
// must be {{.Style}} and {{.Script}}, each in an element of its own: the content
// security policy makes browsers refuse any other, and style attributes too.
// The script uses main, h1, #username, #password, .show, .feedback, .faults and
// elements with data-rule; a page without them remains a plain form. The form
// needs method="post", no action, and a field named password. To request a new
// link it needs a button named renew with the value 1. The form of ScreenAgain
// needs method="post", no action, and a field named email; where the template has
// none, the built-in one is used for that screen.
//
// Package page imports package bridge and nothing else of this module.
package page
