package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"matrix-msn/msn/msntest"
	"matrix-msn/msn/wire"
)

const usage = `Usage: msnserver [flags]

Runs an MSN server for MSNP2 to MSNP18: clients sign in, see each other and
chat. Everything is kept in memory and forgotten at the end. Passwords and
messages of this protocol travel in the clear: do not run it on the Internet.

Examples:

  msnserver -account alice@example.com:secret -account bob@example.com:secret
  msnserver -file accounts.yaml -listen 0.0.0.0

All accounts given by -account have each other on their contact lists. The
file given by -file is YAML:

  accounts:
    - email: alice@example.com
      password: secret
      name: Alice                   # optional: display name
      phones: {home: 555 0100, work: "", mobile: "+1 555 0102"}   # optional
      groups: [Friends]             # optional
      contacts:                     # optional; on FL and AL
        - email: bob@example.com
          groups: [Friends]
      blocked: [eve@example.com]    # optional; on BL
      pager: true                   # optional: has a mobile device for pages
      unread: {inbox: 3, folders: 1}   # optional: unread mail at sign-in
    - email: bob@example.com
      password: secret
      echo: true                    # optional: played by the server, repeats
                                    # what it is told, has a picture, takes files,
                                    # and sends something when it is told
                                    # "picture", "file" or "emoticon"
      later: false                  # optional: such an account is of 2009
  befriend:                         # optional: everybody has everybody
    - [alice@example.com, bob@example.com]

Clients of MSNP2 to MSNP7 (MSN Messenger up to 4.x) need nothing but the
address. Those of MSNP8 and later log in over HTTPS at the nexus address that
is printed, and those of MSNP13 and later (Messenger 8 and later) keep their
contact lists in the web services there; they must trust the certificate (-cert-out writes it to a file), or
use -login-http where they can be told a plain address. TLS is 1.2 or newer:
clients of the period need a proxy that speaks their older TLS.

Flags:
`

// accountFlags collects -account.
type accountFlags []accountConfig

func (a *accountFlags) String() string { return "" }

func (a *accountFlags) Set(value string) error {
	email, password, ok := strings.Cut(value, ":")
	if !ok || password == "" {
		return errors.New("want email:password")
	}
	account := accountConfig{Email: email, Password: password}
	if err := account.check(); err != nil {
		return err
	}
	*a = append(*a, account)
	return nil
}

type settings struct {
	listen            string
	dsPort            int
	nsPort, sbPort    int
	httpsPort         int
	httpPort          int
	file              string
	accounts          accountFlags
	cert, key         string
	certOut           string
	certHosts         string
	escargot, verbose bool
	oldTLS            bool
	challenge         time.Duration
	dialects          string
}

func parseFlags(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("msnserver", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.listen, "listen", "127.0.0.1", "`address` to listen on; 0.0.0.0 for all")
	flags.IntVar(&s.nsPort, "ns-port", 1863, "port of the notification server; 0 for any free one")
	flags.IntVar(&s.sbPort, "sb-port", 1864, "port of the switchboards; 0 for any free one")
	flags.IntVar(&s.dsPort, "dispatch-port", -1, "port of a dispatch server that clients dial first; -1 for none")
	flags.IntVar(&s.httpsPort, "https-port", 4443, "port of log-ins and web services over TLS; 0 for any free one")
	flags.IntVar(&s.httpPort, "login-http", -1, "port of log-ins, web services and HTTP gateway without TLS, on loopback only; -1 for none")
	flags.StringVar(&s.file, "file", "", "YAML `file` of accounts and contact lists")
	flags.Var(&s.accounts, "account", "an account as `email:password`; may be repeated")
	flags.BoolVar(&s.oldTLS, "old-tls", false, "also speak the TLS of Windows XP, which Messenger 5 to 7 need; it is broken by today's measure")
	flags.StringVar(&s.cert, "cert", "", "PEM `file` of the certificate chain for TLS; made at start when empty")
	flags.StringVar(&s.key, "key", "", "PEM `file` of its private key")
	flags.StringVar(&s.certOut, "cert-out", "", "`directory` to write the certificate to, for clients to trust")
	flags.StringVar(&s.certHosts, "cert-hosts", "", "further host `names`, separated by commas, for the certificate made at start")
	flags.BoolVar(&s.escargot, "escargot", false, "follow the habits of the Escargot server instead of the historic ones")
	flags.DurationVar(&s.challenge, "challenge", 0, "how often clients are challenged (CHL); 0 once after signing in, negative never")
	flags.StringVar(&s.dialects, "dialects", "", "dialects to speak, for example MSNP7,MSNP18; all when empty")
	flags.BoolVar(&s.verbose, "v", false, "also log failures of single connections")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q; see -h", flags.Arg(0))
	}
	if (s.cert == "") != (s.key == "") {
		return s, errors.New("-cert and -key belong together")
	}
	if s.httpPort >= 0 && !isLoopback(s.listen) {
		return s, errors.New("-login-http sends passwords in the clear and works with a loopback -listen only")
	}
	return s, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s settings) options(log *slog.Logger) ([]msntest.Option, error) {
	opts := []msntest.Option{
		msntest.WithListen(s.listen, s.nsPort, s.sbPort, s.httpsPort),
		msntest.WithLogger(log),
		msntest.WithRecordLimit(0),
	}
	if s.escargot {
		opts = append(opts, msntest.WithCompat(msntest.Escargot))
	} else {
		opts = append(opts, msntest.WithChallenges(s.challenge))
	}
	if s.dsPort >= 0 {
		opts = append(opts, msntest.WithDispatchPort(s.dsPort))
	}
	if s.httpPort >= 0 {
		opts = append(opts, msntest.WithPlainLogin(s.httpPort))
	}
	if s.oldTLS {
		opts = append(opts, msntest.WithOldTLS())
	}
	if s.certHosts != "" {
		opts = append(opts, msntest.WithCertificateHosts(strings.Split(s.certHosts, ",")...))
	}
	if s.cert != "" {
		cert, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		opts = append(opts, msntest.WithCertificate(cert))
	}
	if s.dialects != "" {
		var dialects []wire.Dialect
		for name := range strings.SplitSeq(s.dialects, ",") {
			d, ok := wire.ParseDialect(strings.TrimSpace(name))
			if !ok {
				return nil, fmt.Errorf("-dialects: %q is not between MSNP2 and MSNP18", name)
			}
			dialects = append(dialects, d)
		}
		opts = append(opts, msntest.WithDialects(dialects...))
	}
	return opts, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	config := fileConfig{Accounts: s.accounts}
	if s.file != "" {
		if config, err = readConfig(s.file); err != nil {
			return err
		}
		config.Accounts = append(config.Accounts, s.accounts...)
	}
	if len(config.Accounts) == 0 {
		return errors.New("no accounts: give some with -account or -file; see -h")
	}
	level := slog.LevelWarn
	if s.verbose {
		level = slog.LevelInfo
	}
	opts, err := s.options(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	srv, err := msntest.Start(ctx, opts...)
	if err != nil {
		return err
	}
	defer srv.Close()
	config.apply(ctx, srv)
	var friends []string
	for _, a := range s.accounts {
		friends = append(friends, a.Email)
	}
	srv.Befriend(friends...)
	if err := s.announce(stdout, srv, len(config.Accounts)); err != nil {
		return err
	}
	for change := range srv.SignIns(ctx) {
		what := "signed out"
		if change.Online {
			what = "signed in with " + change.Dialect.String()
		}
		fmt.Fprintf(stdout, "%s %s %s\n", time.Now().Format(time.TimeOnly), change.Account, what)
	}
	fmt.Fprintln(stdout, "stopped")
	return nil
}

// announce says where the server listens and how to trust it.
func (s settings) announce(stdout io.Writer, srv *msntest.Server, accounts int) error {
	fmt.Fprintf(stdout, "MSN server with %d accounts, %s to %s\n", accounts, srv.Dialects()[0], srv.Dialects()[len(srv.Dialects())-1])
	if srv.Addr() != srv.NotificationAddr() {
		fmt.Fprintf(stdout, "  dispatch      %s (dial this)\n", srv.Addr())
	}
	fmt.Fprintf(stdout, "  notification  %s\n", srv.NotificationAddr())
	fmt.Fprintf(stdout, "  switchboards  %s\n", srv.SwitchboardAddr())
	fmt.Fprintf(stdout, "  nexus         %s\n", srv.NexusURL())
	web := srv.Web()
	fmt.Fprintf(stdout, "  tickets       %s (RST), %s (RST2)\n", web.Login, web.Login2)
	fmt.Fprintf(stdout, "  contacts      %s\n                %s\n", web.AddressBook, web.Sharing)
	fmt.Fprintf(stdout, "  offline       %s (reading), %s (sending)\n", web.Mailbox, web.Post)
	fmt.Fprintf(stdout, "  gateway       %s\n", web.Gateway)
	if plain := srv.PlainNexusURL(); plain != "" {
		fmt.Fprintf(stdout, "  nexus         %s (no TLS)\n", plain)
		fmt.Fprintf(stdout, "  gateway       %s (no TLS)\n", srv.PlainWeb().Gateway)
	}
	if s.certOut != "" {
		path, err := srv.WriteCert(s.certOut)
		if err != nil {
			return err
		}
		if path, err = filepath.Abs(path); err != nil {
			return err
		}
		fmt.Fprintf(stdout, "Certificate to trust: %s\n", path)
		fmt.Fprintf(stdout, "  Go and OpenSSL programs: SSL_CERT_FILE=%s\n", path)
		fmt.Fprintln(stdout, "  Pidgin: Tools, Certificates, Add; Windows: import it as a trusted root")
	} else if s.cert == "" {
		fmt.Fprintln(stdout, "Clients of MSNP8 and later must trust the certificate: -cert-out writes it to a file.")
	}
	fmt.Fprintln(stdout, "Ctrl-C ends.")
	return nil
}
