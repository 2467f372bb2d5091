package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"invitebridge/bridge/mail"
	"invitebridge/bridge/webhook"
	"invitebridge/config"
	"invitebridge/kratos"
)

func newDoctor(environ []string, io stdio) *cobra.Command {
	var o config.Options
	d := &doctor{}
	client := &clientOptions{environ: environ, io: io}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine what the bridge rests on",
		Long: "Reads the configuration as serve would, and examines what it names: the store,\n" +
			"Kratos' admin and public API, its page to sign in at, the identity schemas,\n" +
			"the mail server, each hook's host and the clock. It sends no email and no webhook,\n" +
			"and prints no secret. Run it where the bridge runs, and as its user.\n\n" +
			"It also looks for identities in Kratos that were made for an invitation which\n" +
			"the running bridge does not have any more, because it was purged unaccepted, or\n" +
			"the store was lost. Those of accepted invitations and those younger than ten\n" +
			"minutes do not count. With --fix those are deleted that the bridge created and\n" +
			"nobody ever used: never active, without credentials and sessions. Nothing is\n" +
			"deleted where the bridge knows no identity of this Kratos: its store was not\n" +
			"mounted, or it is another bridge. It warns where Kratos shows times in another\n" +
			"time zone, for then it cannot tell which were used.\n" +
			"Where several bridges share one Kratos, do not use it: each knows its own\n" +
			"invitations only. For this check the API key comes from the environment variable\n" +
			envAPIKey + ", and must be one of the configuration. A comparison that\n" +
			"could not be made or ended is a warning, and with --fix a problem.\n\n" +
			"Each result is ok, warning or problem. Exits with 0 if there is no problem, with\n" +
			"1 if there is one, and with 2 if the command or the configuration is wrong.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			d.report, err = newReport(io.out, client.format)
			if err != nil {
				return err
			}
			o.Environ = environ
			if err := d.prepare(o, client); err != nil {
				return usageError{err}
			}
			defer d.close()
			return d.examine(cmd.Context())
		},
	}
	configFlags(cmd, &o.Files, &o.Dev)
	registerEndpoint(cmd, &client.endpoint)
	cmd.Flags().BoolVar(&d.fix, "fix", false, "delete in Kratos the unused identities whose invitation is gone")
	cmd.Flags().StringVar(&client.format, "format", formatTable, "`FORMAT` of the results: "+strings.Join(reportFormats, ", "))
	complete(cmd, "format", reportFormats)
	cmd.Flags().DurationVar(&d.timeout, "timeout", 10*time.Second, "how long each check may take; a long list of identities wants more")
	return cmd
}

// maxIdentitiesPage bounds a page of the list of identities, in bytes. Their
// traits and metadata may be long.
const maxIdentitiesPage = 16 << 20

// doctor examines an installation.
type doctor struct {
	config  config.Config
	admin   *kratos.Client
	public  *kratos.Public
	courier *mail.Mailer // nil: nobody is mailed
	hooks   *webhook.Webhooks
	bridge  *session // nil: nobody is asked
	why     string   // there is no bridge to ask
	fix     bool
	timeout time.Duration
	report  *report
}

// prepare reads the configuration and connects to nothing. Every error is one of
// usage.
func (d *doctor) prepare(o config.Options, client *clientOptions) (err error) {
	if d.timeout <= 0 {
		return errors.New("--timeout must be more than nothing")
	}
	if d.config, err = config.Load(o); err != nil {
		return err
	}
	if err := tryOut(d.config); err != nil {
		return err
	}
	d.admin, err = kratos.New(kratos.Config{
		AdminURL: d.config.Kratos.AdminURL, AdminToken: d.config.Kratos.AdminToken.Reveal(),
		PublicURL: d.config.Kratos.PublicURL, EmailTraits: d.config.Kratos.EmailTrait,
		Timeout: d.timeout, MaxAnswer: maxIdentitiesPage,
	})
	if err != nil {
		return err
	}
	if d.public, err = kratos.NewPublic(d.config.Kratos.PublicURL, d.timeout); err != nil {
		return err
	}
	if d.courier, err = newMailer(d.config); err != nil {
		return err
	}
	if d.hooks, err = webhook.New(webhookConfig(d.config)); err != nil {
		return err
	}
	return d.findBridge(client)
}

// findBridge has only a bridge of this configuration be asked: to another one
// every identity of this one would look forsaken.
func (d *doctor) findBridge(client *clientOptions) (err error) {
	key, keys := lookup(client.environ, envAPIKey), d.config.Serve.Admin.APIKeys
	switch {
	case key == "":
		d.why = "no API key is given; set " + envAPIKey + " to one of serve.admin.api_keys"
		return nil
	case len(keys) > 0 && !slices.ContainsFunc(keys, func(k config.APIKey) bool { return k.Digest() == sha256.Sum256([]byte(key)) }):
		d.why = envAPIKey + " is none of this configuration's serve.admin.api_keys; ask the bridge that it configures, with a key of its own"
		return nil
	}
	client.basePath = d.config.Serve.BasePath
	d.bridge, err = client.open()
	return err
}

func (d *doctor) close() {
	d.admin.Close()
	d.public.Close()
	d.hooks.Close()
}

// examine runs all checks, one after the other, whatever comes of them.
func (d *doctor) examine(ctx context.Context) error {
	for _, c := range d.checks() {
		within, cancel := context.WithTimeout(ctx, d.timeout)
		c.run(within, func(f finding) { f.Check = cmp.Or(f.Check, c.name); d.report.add(f) })
		cancel()
		if err := ctx.Err(); err != nil {
			return errors.Join(err, d.report.end())
		}
	}
	if err := d.report.end(); err != nil {
		return err
	}
	if n := d.report.problems; n > 0 {
		return fmt.Errorf("problems found: %d", n)
	}
	return nil
}
