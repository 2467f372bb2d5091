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
		Short: "Check Kratos, the store, the mail server and hooks",
		Long: "Reads the configuration as serve would, and checks what it refers to: the store,\n" +
			"Kratos' admin and public API, its login page, the identity schemas, the mail server,\n" +
			"the host of each hook, and the clock. It sends no email and no webhook, and prints\n" +
			"no secrets. Run it where the bridge runs, as the same user.\n\n" +
			"It also looks for orphaned identities in Kratos: those of an invitation that the\n" +
			"running bridge no longer has, because it was purged unaccepted or the store was\n" +
			"lost. Identities of accepted invitations and those younger than ten minutes are\n" +
			"skipped. With --fix it deletes orphaned identities that the bridge created and that\n" +
			"were never used: never active, without credentials and sessions. It deletes nothing\n" +
			"if the bridge has no identity of this Kratos: then its store was not mounted, or it\n" +
			"is the bridge of another Kratos. It warns if Kratos shows times in another time\n" +
			"zone, because then it cannot determine which identities were used.\n" +
			"Do not use --fix if several bridges share one Kratos: each knows only its own\n" +
			"invitations, and would delete identities of the others. This check needs an API key\n" +
			"of the configuration in the environment variable " + envAPIKey + ". If it\n" +
			"cannot be completed, the result is a warning, or with --fix a problem.\n\n" +
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
	cmd.Flags().BoolVar(&d.fix, "fix", false, "delete unused identities in Kratos whose invitation is gone")
	cmd.Flags().StringVar(&client.format, "format", formatTable, "`FORMAT` of the results: "+strings.Join(reportFormats, ", "))
	complete(cmd, "format", reportFormats)
	cmd.Flags().DurationVar(&d.timeout, "timeout", 10*time.Second, "time limit for each check; increase it if there are many identities")
	return cmd
}

// maxIdentitiesPage limits a page of the list of identities, in bytes. Their
// traits and metadata may be large.
const maxIdentitiesPage = 16 << 20

// doctor checks an installation.
type doctor struct {
	config         config.Config
	admin          *kratos.Client
	public         *kratos.PublicClient
	courier        *mail.Mailer // nil: no email is sent
	hooks          *webhook.Webhooks
	bridge         *session // nil: no running bridge is asked
	noBridgeReason string   // why bridge is nil
	fix            bool
	timeout        time.Duration
	report         *report
}

// prepare reads the configuration and connects to nothing. All errors are the
// caller's: the command or the configuration is wrong.
func (d *doctor) prepare(o config.Options, client *clientOptions) (err error) {
	if d.timeout <= 0 {
		return errors.New("--timeout must be greater than 0")
	}
	if d.config, err = config.Load(o); err != nil {
		return err
	}
	if err := checkReferencedFiles(d.config); err != nil {
		return err
	}
	access := kratosConfig(d.config)
	access.Timeout, access.MaxResponseBytes = d.timeout, maxIdentitiesPage
	if d.admin, err = kratos.New(access); err != nil {
		return err
	}
	if d.public, err = kratos.NewPublicClient(d.config.Kratos.PublicURL, d.timeout); err != nil {
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

// findBridge opens a session only with a bridge of this configuration: for any
// other bridge, every identity of this one would look orphaned.
func (d *doctor) findBridge(client *clientOptions) (err error) {
	key, keys := lookup(client.environ, envAPIKey), d.config.Serve.Admin.APIKeys
	switch {
	case key == "":
		d.noBridgeReason = "no API key is given; set " + envAPIKey + " to one of serve.admin.api_keys"
		return nil
	case len(keys) > 0 && !slices.ContainsFunc(keys, func(k config.APIKey) bool { return k.Digest() == sha256.Sum256([]byte(key)) }):
		d.noBridgeReason = envAPIKey + " is not in this configuration's serve.admin.api_keys; use a key of the bridge that runs with this configuration"
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

// examine runs all checks in sequence, whatever their results.
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
