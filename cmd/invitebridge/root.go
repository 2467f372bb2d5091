package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// stdio holds where a command writes, results to out and everything else to err,
// and where it reads answers; nil: nobody can be asked.
type stdio struct {
	out, err io.Writer
	in       io.Reader
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // wrong arguments, or a configuration with problems
)

// usageError is a mistake of the caller: wrong arguments or a wrong
// configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program. environ has the form of os.Environ.
func run(ctx context.Context, args, environ []string, io stdio) int {
	root := newRoot(environ, io)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	// An error may quote a server, a file or a certificate.
	fmt.Fprintln(io.err, "invitebridge:", printableLines(err.Error()))
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func newRoot(environ []string, io stdio) *cobra.Command {
	root := &cobra.Command{
		Use:   "invitebridge",
		Short: "Invitations for Ory Kratos",
		Long: "The Invite Bridge adds invitations to Ory Kratos: an inviter posts an email address,\n" +
			"and the invitee accepts with a token and a password.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       versionDetails(),
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 100 "))
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetOut(io.out)
	root.SetErr(io.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(cause.Error(), "time: ") {
			err = fmt.Errorf("%w: give a duration such as 168h, 30m or 10s", err)
		}
		return usageError{fmt.Errorf("%w (try %q)", err, cmd.CommandPath()+" --help")}
	})
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(newServe(environ, io), newConfig(environ, io), newHealth(environ, io), newDoctor(environ, io), newStore(environ, io), newMigrate(environ, io), newVersion(io))
	root.AddCommand(newClientCommands(environ, io)...)
	root.InitDefaultCompletionCmd()
	finishCompletion(root)
	return root
}
