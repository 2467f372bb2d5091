// Package page renders the invitee's page: what an invitee sees who opens the
// link of an invitation.
//
// It knows templates, words in each language, and style, and nothing of HTTP:
// package httpapi decides what is to be seen, serves it and takes the form. A
// page is one document: style, script and logo stand inside it, so that a
// browser asks nobody for anything more, and it works without its script.
//
// It imports package bridge and nothing else of this module.
package page
