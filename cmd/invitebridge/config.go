package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"invitebridge/bridge"
	"invitebridge/bridge/boltstore"
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
			"templates and pictures that they name, and tells every problem. Looks whether\n" +
			"the store can be opened or made, and whether there is a directory for each\n" +
			"socket: so it is run where, and as whom, serve is. Connects to nothing, changes\n" +
			"nothing, and prints no secret. Exits with 2 if there are problems.",
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(config.Options{Files: files, Environ: environ, Dev: dev})
			if err == nil {
				err = errors.Join(tryOut(cfg), tryPlaces(cfg))
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
	_, returnErr := bridge.ParseReturnURLs(cfg.Invitation.AllowedReturnURLs)
	public, admin := cfg.Serve.Public, cfg.Serve.Admin
	return errors.Join(err, pageErr, returnErr,
		tryCertificate("public", public.TLS), tryCertificate("admin", admin.TLS))
}

// tryPlaces looks for what serve makes: the store and sockets.
func tryPlaces(cfg config.Config) error {
	public, admin := cfg.Serve.Public, cfg.Serve.Admin
	return errors.Join(tryStore(cfg.BoltPath()),
		trySocket("public", public.Host, public.Socket), trySocket("admin", admin.Host, admin.Socket))
}

func tryStore(path string) error {
	if path == "" {
		return nil // development makes one
	}
	if err := boltstore.Try(path); err != nil {
		return fmt.Errorf("dsn: %w", err)
	}
	return nil
}

func trySocket(name, host string, socket config.Socket) error {
	file, isSocket := strings.CutPrefix(host, "unix:")
	if !isSocket {
		return nil
	}
	err := tryBind(file)
	_, _, ownerErr := owners(socket)
	if err = errors.Join(err, ownerErr); err != nil {
		return fmt.Errorf("serve.%s.%w", name, err)
	}
	return nil
}

// tryBind says whether a socket could be made. One that is there is left to
// serve, which alone may remove it.
func tryBind(path string) error {
	const write, search = 2, 1
	dir := filepath.Dir(path)
	if err := syscall.Access(dir+"/", search); err != nil {
		return fmt.Errorf("host: there is no directory for the socket: %w", &fs.PathError{Op: "access", Path: dir, Err: err})
	}
	if err := syscall.Access(dir, write); err != nil {
		return fmt.Errorf("host: the socket cannot be made; let the user that runs this program write to %s: %w", dir, err)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("host: %s is there, and is no socket; remove it, or give another path", path)
	}
	return nil
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
