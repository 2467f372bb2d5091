package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"invitebridge/bridge"
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
		Short: "Check a configuration and report all problems at once",
		Long: "Reads the files and the environment as serve would, including the certificates,\n" +
			"templates and images that they refer to, and reports every problem: those of the\n" +
			"configuration first, alone if there are any. Also checks that a store file can be\n" +
			"opened or created, and that each socket has a directory: run it where serve runs, as\n" +
			"the same user. Connects to nothing, changes nothing, and prints no secrets. Exits\n" +
			"with 2 if there are problems. Settings that are valid and probably not meant are\n" +
			"warnings.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(config.Options{Files: files, Environ: environ, Dev: dev})
			if err == nil {
				err = errors.Join(checkReferencedFiles(cfg), checkPlaces(cfg))
			}
			if err != nil {
				return usageError{err}
			}
			for _, text := range slices.Concat(cfg.Warnings(), cfg.KeyWarnings(wallClock())) {
				if _, err := fmt.Fprintln(io.err, "warning: "+text); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintln(io.out, "configuration is valid")
			return err
		},
	}
	configFlags(cmd, &files, &dev)
	return cmd
}

// checkReferencedFiles reads the files that the configuration refers to, as
// serve does, and connects to nothing.
func checkReferencedFiles(cfg config.Config) error {
	senders, err := newSenders(cfg, nil, func(s bridge.Sender) bridge.Sender { return s })
	if err == nil {
		senders.hooks.Close()
	}
	_, pageErr := newPage(cfg)
	_, returnErr := bridge.ParseReturnURLs(cfg.Invitation.AllowedReturnURLs)
	public, admin := cfg.Serve.Public, cfg.Serve.Admin
	return errors.Join(err, pageErr, returnErr,
		checkCertificate("public", public.TLS), checkCertificate("admin", admin.TLS))
}

// checkPlaces checks that serve can open or create the store and the sockets.
func checkPlaces(cfg config.Config) error {
	public, admin := cfg.Serve.Public, cfg.Serve.Admin
	return errors.Join(checkStore(cfg),
		checkSocket("public", public.Host, public.Socket), checkSocket("admin", admin.Host, admin.Socket))
}

func checkSocket(name, host string, socket config.Socket) error {
	file, isSocket := strings.CutPrefix(host, "unix:")
	if !isSocket {
		return nil
	}
	err := checkBind(file)
	_, _, ownerErr := owners(socket)
	if err = errors.Join(err, ownerErr); err != nil {
		return fmt.Errorf("serve.%s.%w", name, err)
	}
	return nil
}

// checkBind returns an error if a socket could not be created. An existing
// socket is ignored: only serve may remove it.
func checkBind(path string) error {
	const write, search = 2, 1
	dir := filepath.Dir(path)
	if err := canAccess(dir+"/", search); err != nil {
		return fmt.Errorf("host: there is no directory for the socket: %w", &fs.PathError{Op: "access", Path: dir, Err: err})
	}
	if err := canAccess(dir, write); err != nil {
		return fmt.Errorf("host: the socket cannot be created; let the user that runs this program write to %s: %w", dir, err)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("host: %s exists and is not a socket; remove it, or use another path", path)
	}
	return nil
}

func checkCertificate(name string, from config.TLS) error {
	if !from.Enabled() {
		return nil
	}
	l := listener{name: name, certificate: &certificate{}}
	_, err := l.loadCertificate(from)
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
	configFiles(cmd, files)
	cmd.Flags().BoolVar(dev, "dev", false, "development mode: no configuration needed, not for production")
}

func configFiles(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVarP(files, "config", "c", nil, "configuration `FILE`; may be repeated, later files override earlier ones")
	if err := cmd.MarkFlagFilename("config", "yml", "yaml", "json"); err != nil {
		panic(err) // there is no such flag
	}
}
