package msntest

import (
	"crypto/tls"
	"log/slog"
	"strings"
	"time"

	"matrix-msn/msn/wire"
)

// The dialects this server can speak.
const (
	minDialect = wire.MinDialect
	maxDialect = wire.MaxDialect
)

// Times of the real servers (protocol/01-login.md, section 12, and
// protocol/09-quirks.md, section 3).
const (
	// authTimeout is how long a connection may take to sign in.
	authTimeout = 60 * time.Second
	// ticketLife is how long the ticket of an XFR or RNG can be used.
	ticketLife = 120 * time.Second
	// loginTicketLife is how long a Tweener ticket can be used.
	loginTicketLife = 30 * time.Second
	// webTicketLife is how long the tickets of RST can be used.
	webTicketLife = 24 * time.Hour
	// challengeTimeout is how long a client may take to answer CHL.
	challengeTimeout = 50 * time.Second
)

// Limits of the record, of lists and of connections.
const (
	// defaultRecords bounds the record: enough for any test, and with short
	// commands a few megabytes.
	defaultRecords = 10000
	// defaultContacts is how many contacts FL holds before ADD and ADC answer
	// 210 (protocol/02-contacts.md, section 1). Lists made through this package's
	// functions may be longer.
	defaultContacts = 1000
	// maxQueue is how many bytes may wait for a client that does not read; a SYN
	// of 10,000 contacts fits. Beyond it the connection is closed, so that nobody
	// else waits or pays for that client.
	maxQueue = 4 << 20
	// crowdedQueue is how many bytes may wait for a client in a switchboard before others there are
	// not read any more.
	crowdedQueue = 128 << 10
	// writeTimeout ends a connection whose client takes nothing.
	writeTimeout = 30 * time.Second
	// offlineListed is how many offline messages Mail-Data holds before it says
	// "too-large" instead.
	offlineListed = 20
	// offlineRate is how many offline messages somebody may send in a minute.
	offlineRate = 10
	// lingerTime is how long a connection that the server has ended is still
	// read, so that the client gets what was sent last instead of a reset.
	lingerTime = time.Second
)

type options struct {
	network             *Network // nil: that of the machine
	host                string
	nsPort, sbPort      int
	dsPort, httpsPort   int
	httpPort            int
	plainLogin          bool
	oldTLS              bool
	dispatch            bool
	dialects            [maxDialect + 1]bool
	challenges          bool
	challengeEvery      time.Duration
	challengeTimeout    time.Duration
	logger              *slog.Logger
	records             int
	qng                 int
	is                  *differences
	idle                time.Duration
	contacts            int
	ticketLife          time.Duration
	loginTicketLife     time.Duration
	webTicketLife       time.Duration
	offlineListed       int
	offlineRate         int
	authTimeout         time.Duration
	paging              bool
	recommended         string
	minimum             string
	directory           []Person
	certificate         *tls.Certificate
	certificateFileHost []string
}

// Option changes how a server is made.
type Option func(*options)

func defaultOptions() options {
	is := defaultCompat.differences()
	o := options{
		is:               is,
		host:             "127.0.0.1",
		challenges:       is.challenges,
		challengeTimeout: challengeTimeout,
		records:          defaultRecords,
		qng:              60,
		contacts:         defaultContacts,
		ticketLife:       ticketLife,
		loginTicketLife:  loginTicketLife,
		webTicketLife:    webTicketLife,
		offlineListed:    offlineListed,
		offlineRate:      offlineRate,
		authTimeout:      authTimeout,
		paging:           is.paging,
		logger:           slog.New(slog.DiscardHandler),
	}
	for d := minDialect; d <= maxDialect; d++ {
		o.dialects[d] = true
	}
	return o
}

// WithDispatch adds a dispatch server: Addr is its address, it answers USR with
// XFR NS in the form of the dialect and closes.
func WithDispatch() Option { return func(o *options) { o.dispatch = true } }

// WithDispatchPort is WithDispatch on a port of the caller's choice.
func WithDispatchPort(port int) Option {
	return func(o *options) { o.dispatch, o.dsPort = true, port }
}

// WithDialects limits the server to the dialects named; those it does not speak
// (below MSNP2 or above MSNP18) are left out.
func WithDialects(dialects ...wire.Dialect) Option {
	return func(o *options) {
		o.dialects = [maxDialect + 1]bool{}
		for _, d := range dialects {
			if d >= minDialect && d <= maxDialect {
				o.dialects[d] = true
			}
		}
	}
}

// WithListen chooses host and ports to listen on; a port of 0 means any free
// one. The default is 127.0.0.1 with free ports. On an unspecified host such as
// 0.0.0.0 each client is told the address at which it reached the server.
func WithListen(host string, nsPort, sbPort, httpsPort int) Option {
	return func(o *options) {
		o.host, o.nsPort, o.sbPort, o.httpsPort = host, nsPort, sbPort, httpsPort
	}
}

// WithPlainLogin also serves nexus and log-in without TLS, on the given port (0:
// any free one). Passwords then travel in the clear: for loopback only.
func WithPlainLogin(port int) Option {
	return func(o *options) { o.plainLogin, o.httpPort = true, port }
}

// WithOldTLS serves nexus and log-in to clients of the period too: TLS 1.0 and the
// cipher suites of Windows XP, which are broken today. For clients in one's own
// network only.
func WithOldTLS() Option { return func(o *options) { o.oldTLS = true } }

// WithCertificate uses a certificate of the caller's for nexus and log-in in
// place of one made at start.
func WithCertificate(cert tls.Certificate) Option {
	return func(o *options) { o.certificate = &cert }
}

// WithCertificateHosts adds names or IP addresses to the certificate that is
// made at start; localhost, 127.0.0.1 and ::1 are always in it.
func WithCertificateHosts(hosts ...string) Option {
	return func(o *options) { o.certificateFileHost = append(o.certificateFileHost, hosts...) }
}

// WithChallenges sets when clients of MSNP6 and later are challenged by CHL:
// after their first CHG and then every interval; 0 means only after the first
// CHG, which is the default, and a negative interval never. Whoever answers
// wrongly, or not within 50 seconds, gets 540 and is disconnected.
func WithChallenges(interval time.Duration) Option {
	return func(o *options) { o.challenges, o.challengeEvery = interval >= 0, max(interval, 0) }
}

// WithChallengeTimeout changes the 50 seconds that a client has for its answer
// to CHL.
func WithChallengeTimeout(d time.Duration) Option {
	return func(o *options) { o.challengeTimeout = d }
}

// WithLogger logs sign-ins and what went wrong; tickets and passwords are left
// out. The default logs nothing.
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// WithRecordLimit keeps the last n records (default 10000), pages and invitations;
// 0 keeps none, which makes Sent, Records, Pages, Invitations and the past half of
// Await useless and saves memory.
func WithRecordLimit(n int) Option { return func(o *options) { o.records = max(n, 0) } }

// WithQNG sets the number of seconds in the answer to PNG from MSNP9 on, 60 by
// default: a client need not send another PNG before.
func WithQNG(seconds int) Option { return func(o *options) { o.qng = seconds } }

// WithCompat chooses which server's habits to follow, in place of Microsoft's.
func WithCompat(c Compat) Option {
	return func(o *options) {
		o.is = c.differences()
		o.challenges = o.challenges && o.is.challenges
		o.paging = o.paging && o.is.paging
	}
}

// WithSwitchboardIdle closes switchboards in which nothing was said for d, with
// "BYE account 1" to everybody. The default never does.
func WithSwitchboardIdle(d time.Duration) Option { return func(o *options) { o.idle = d } }

// WithMaxContacts sets how many contacts FL takes before ADD and ADC answer 210;
// the default is 1000.
func WithMaxContacts(n int) Option { return func(o *options) { o.contacts = n } }

// WithTicketLife changes how long the tickets of XFR and RNG can be used (120
// seconds) and those of the Tweener log-in (30 seconds).
func WithTicketLife(switchboard, login time.Duration) Option {
	return func(o *options) { o.ticketLife, o.loginTicketLife = switchboard, login }
}

// WithWebTicketLife changes how long the tickets of RST can be used, which the web
// services take (24 hours).
func WithWebTicketLife(d time.Duration) Option {
	return func(o *options) { o.webTicketLife = d }
}

// WithOfflineListed sets how many offline messages the first mail notice lists;
// with more it says "too-large". The default is 20.
func WithOfflineListed(n int) Option { return func(o *options) { o.offlineListed = n } }

// WithOfflineRate sets how many offline messages an account may send in a minute
// before it is throttled. The default is 10.
func WithOfflineRate(n int) Option { return func(o *options) { o.offlineRate = n } }

// WithAuthTimeout changes how long a connection may take to sign in (60
// seconds).
func WithAuthTimeout(d time.Duration) Option { return func(o *options) { o.authTimeout = d } }

// WithoutPaging makes a server that knows neither PAG nor PGD and takes their
// payload for commands: an escaped page has no line end, so that
// the command sent after it is lost too, and neither is answered.
func WithoutPaging() Option { return func(o *options) { o.paging = false } }

// WithVersion sets what CVR answers: the recommended and the minimum version of
// clients. Without it clients hear that theirs is fine. Clients that are not
// recognised hear 1.0.0000 either way.
func WithVersion(recommended, minimum string) Option {
	return func(o *options) { o.recommended, o.minimum = recommended, minimum }
}

// WithDirectory makes a server of before spring 2003, which searches its
// directory: FND finds these people. Without it FND is answered by 502.
func WithDirectory(people ...Person) Option {
	return func(o *options) { o.directory = people }
}

func normalize(email string) string { return strings.ToLower(email) }
