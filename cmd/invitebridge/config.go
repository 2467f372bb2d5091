package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"invitebridge/bridge/metrics"
	"invitebridge/config"
)

func newConfig(environ []string, io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration, or print an example",
		Args:  noArguments,
		RunE:  needsCommand,
	}
	cmd.AddCommand(newConfigCheck(environ, io), newConfigExample(io), newConfigSchema(io))
	return cmd
}

func newConfigCheck(environ []string, io stdio) *cobra.Command {
	var files []string
	var dev bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell all problems of a configuration at once",
		Long: "Reads the files and the environment as serve would, with the certificates,\n" +
			"templates and pictures that they name, and tells every problem. Connects to\n" +
			"nothing, and prints no secret. Exits with 2 if there are problems.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(config.Options{Files: files, Environ: environ, Dev: dev})
			if err == nil {
				err = tryOut(cfg)
			}
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(io.out, "the configuration is good")
			return err
		},
	}
	configFlags(cmd, &files, &dev)
	return cmd
}

// tryOut reads what the configuration names besides itself, as serve does, and
// connects to nothing.
func tryOut(cfg config.Config) error {
	s := server{config: cfg, watching: &observers{metrics: metrics.New(version())}}
	senders, err := s.newSenders(cfg)
	if err == nil {
		senders.hooks.Close()
	}
	_, pageErr := newPage(cfg)
	return errors.Join(err, pageErr, tryCertificate("public", cfg.Serve.Public.TLS), tryCertificate("admin", cfg.Serve.Admin.TLS))
}

func tryCertificate(name string, from config.TLS) error {
	if !from.Enabled() {
		return nil
	}
	l := listener{name: name, certificate: &certificate{}}
	_, err := l.prepare(from)
	return err
}

func newConfigExample(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "example",
		Short: "Print a commented configuration with every key and its default",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(config.Example())
			return err
		},
	}
}

func newConfigSchema(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON schema of the configuration, for editors",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(config.Schema())
			return err
		},
	}
}

func configFlags(cmd *cobra.Command, files *[]string, dev *bool) {
	cmd.Flags().StringArrayVarP(files, "config", "c", nil, "configuration `FILE`; may be repeated, later ones win")
	if err := cmd.MarkFlagFilename("config", "yml", "yaml", "json"); err != nil {
		panic(err) // there is no such flag
	}
	cmd.Flags().BoolVar(dev, "dev", false, "development: no configuration needed, not for production")
}
