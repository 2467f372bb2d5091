// Package page renders the invitee's page: what an invitee sees who opens the
// link of an invitation.
//
// It knows templates, words in each language, and style, and nothing of HTTP:
// package httpapi decides what is to be seen, serves it and takes the form. A
// page is one document: style, script and logo stand inside it, so that a
// browser asks nobody for anything more, and it works without its script.
//
// # A team's own words and templates
//
// Config.TemplateOverridePath may hold any of
//
//   - en.json, de.json: texts that replace the built-in ones of the same key;
//   - a file for another language, such as fr.json or pt-br.json, with a text
//     for each key of builtin/en.json;
//   - page.gotmpl: the whole document, in place of builtin/page.gotmpl.
//
// A file of another name is an error, as is a key that is not known. A text
// must have the same words in braces as the English one. Where a language lacks a
// key that an upgrade brought, an older text of that language stands in.
//
// The template is one of html/template and gets a [Data]. Its style and script
// must be {{.Style}} and {{.Script}}, each in an element of its own: browsers
// are told to refuse any other, and style attributes as well. The script finds
// main, h1, #username, #password, .show, .feedback, .faults and what has a
// data-rule; a page without them stays a plain form. The form needs
// method="post", no action, and a field named password; asking for a new link
// needs a button named renew with the value 1.
//
// It imports package bridge and nothing else of this module.
package page
