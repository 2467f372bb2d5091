package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/httpapi"
)

func newImportInvitations(o *clientOptions) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:     "invitations FILE",
		Aliases: []string{"invitation"},
		Short:   "Invite everyone in a file",
		Long: "Uploads a file of any length, and the bridge invites its rows in the background. FILE\n" +
			"is - for standard input, or a file in UTF-8. In CSV, the first line names the columns:\n" +
			"email and other fields of an invitation, and paths such as traits.name.first. In\n" +
			"NDJSON, each line is an invitation as a JSON object. The flags apply to the rows that\n" +
			"do not have the field themselves.\n\n" +
			"All rows are validated before any is stored: if the file is refused or the upload is\n" +
			"interrupted, nothing of it is kept. An address that has a pending invitation, or an\n" +
			"account, gets no email, so a file can be imported again. An address whose newest\n" +
			"invitation was revoked or has expired is invited only with --reinvite.\n\n" +
			"With --follow, the command waits until the import ends or is paused. Rows that failed\n" +
			"are written to a new file beside FILE, such as people.failed.csv or, if that exists,\n" +
			"people.failed-2.csv: correct them there and import that file. After a dry run, correct\n" +
			"them in FILE itself; no other file is written. Ctrl-C ends the command, not the import.",
		Example: "  invitebridge import invitations people.csv --dry-run --follow\n" +
			"  invitebridge import invitations people.csv --inviter-name Grace --follow\n" +
			"  invitebridge import invitations people.csv \\\n" +
			"    --wave-size 500 --wave-every 24h --start-at 2027-01-11T08:00:00Z",
		ValidArgsFunction: completeFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("give one file, or - for standard input (try %q)", cmd.CommandPath()+" --help")}
			}
			options, err := f.options(cmd)
			if err != nil {
				return usageError{err}
			}
			s, err := o.open()
			if err != nil {
				return err
			}
			file, err := openRows(cmd.Context(), args[0], o.io.in, f.format)
			switch {
			case cmd.Context().Err() != nil:
				return errors.New("interrupted")
			case err != nil:
				return usageError{err}
			}
			defer func() { _ = file.Close() }()
			return importRows(cmd.Context(), s, file, options, f.follow)
		},
	}
	f.register(cmd)
	return cmd
}

// importFlags holds the flags of an import.
type importFlags struct {
	httpapi.ImportOptions
	startAt  string
	reinvite []string
	format   string
	follow   bool
}

// Formats of imported files.
const (
	formatCSV    = "csv"
	formatNDJSON = "ndjson"
)

var mediaTypes = map[string]string{formatCSV: httpapi.MediaTypeCSV, formatNDJSON: httpapi.MediaTypeNDJSON}

var rowFormats = []string{formatCSV, formatNDJSON}

// reinvitable are the states of invitations that exclude a row, unless --reinvite has
// them.
var reinvitable = []bridge.State{bridge.StateRevoked, bridge.StateExpired}

func (f *importFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.DryRun, "dry-run", false, "judge the rows and invite nobody; the result is kept for 24 hours")
	flags.IntVar(&f.WaveSize, "wave-size", 0, "`ROWS` to begin at a time, with --wave-every; default all")
	flags.DurationVar(&f.WaveEvery, "wave-every", 0, "time between the beginnings of two waves, such as 24h; at least 1m")
	flags.StringVar(&f.startAt, "start-at", "", "`TIME` before which no row is begun, such as 2027-01-11T08:00:00Z")
	flags.StringSliceVar(&f.reinvite, "reinvite", nil, fmt.Sprintf("also invite addresses whose newest invitation is in these `STATES`: any of %v, separated by commas", reinvitable))
	complete(cmd, "reinvite", append([]bridge.State{"revoked,expired"}, reinvitable...))
	flags.StringVar(&f.SchemaID, "schema-id", "", "`ID` of the identity schema; default the bridge's")
	flags.StringVar(&f.InviterID, "inviter-id", "", "`ID` of the inviter, of your choice")
	flags.StringVar(&f.InviterName, "inviter-name", "", "`NAME` of the inviter, shown to the invitees")
	flags.StringVar(&f.InviterEmail, "inviter-email", "", "`EMAIL` of the inviter, for replies if the bridge is configured for that")
	flags.StringVar(&f.Locale, "locale", "", "`LANGUAGE` of the emails, such as de")
	flags.StringVar(&f.TimeZone, "timezone", "", "`ZONE` of the dates shown to the invitees, such as Europe/Berlin")
	flags.StringVar(&f.ReturnTo, "return-to", "", "`URL` to go to after accepting; must be in allowed_return_urls")
	flags.DurationVar(&f.ExpiresIn, "expires-in", 0, "how long an invitation is valid after its row is begun, such as 48h; default the bridge's")
	flags.BoolVar(&f.Quiet, "no-notify", false, "send no emails")
	flags.StringVar(&f.format, "input-format", "", fmt.Sprintf("`FORMAT` of FILE, one of %v; default by its name or its first character", rowFormats))
	complete(cmd, "input-format", rowFormats)
	flags.StringVar(&f.IdempotencyKey, "idempotency-key", "", "`KEY` of your choice: sending the same file with it again within 24 hours shows the first import; default random")
	flags.BoolVar(&f.follow, "follow", false, "wait until the import ends, and write the rows that failed to a file")
}

// options returns the options that the flags describe, without the media type.
func (f *importFlags) options(cmd *cobra.Command) (o httpapi.ImportOptions, err error) {
	o = f.ImportOptions
	flags := cmd.Flags()
	switch {
	case flags.Changed("wave-size") != flags.Changed("wave-every"):
		return o, errors.New("give both --wave-size and --wave-every, or neither")
	case flags.Changed("wave-size") && o.WaveSize <= 0:
		return o, errors.New("--wave-size must be greater than 0")
	case flags.Changed("wave-every") && o.WaveEvery <= 0:
		return o, errors.New("--wave-every must be greater than 0")
	case flags.Changed("expires-in") && o.ExpiresIn <= 0:
		return o, errors.New("--expires-in must be greater than 0")
	}
	if flags.Changed("start-at") {
		if o.StartAt, err = time.Parse(time.RFC3339, f.startAt); err != nil {
			return o, errors.New("--start-at must be a time such as 2027-01-11T08:00:00Z or 2027-01-11T09:00:00+01:00")
		}
	}
	for _, text := range f.reinvite {
		state, err := oneOf("reinvite", text, reinvitable)
		if err != nil || state == "" {
			return o, fmt.Errorf("--reinvite must list some of %v, separated by commas", reinvitable)
		}
		o.Reinvite = append(o.Reinvite, state)
	}
	if _, err := oneOf("input-format", f.format, rowFormats); err != nil {
		return o, err
	}
	if o.IdempotencyKey == "" {
		o.IdempotencyKey = uuid.NewString() // so that an upload whose connection was lost can be repeated
	}
	return o, nil
}
