package msn

import "context"

// URLName names a page of the service (protocol/07, section 2). Letter case
// counts.
type URLName string

// The founding names, and those that came later.
const (
	URLInbox       URLName = "INBOX"
	URLFolders     URLName = "FOLDERS"
	URLCompose     URLName = "COMPOSE" // argument: an address, or none
	URLProfile     URLName = "PROFILE" // argument: a locale, as of all that follow except where said
	URLMobileSet   URLName = "CHGMOB"  // no argument
	URLPerson      URLName = "PERSON"
	URLChat        URLName = "CHAT"
	URLPassword    URLName = "PASSWORD"   // no argument
	URLMessage     URLName = "MESSAGE"    // no argument
	URLMobile      URLName = "MOBILE"     // no argument
	URLN2PAccount  URLName = "N2PACCOUNT" // Net2Phone
	URLN2PFund     URLName = "N2PFUND"
	URLAddressBook URLName = "ADDRBOOK"  // no argument
	URLAdvSearch   URLName = "ADVSEARCH" // no argument
	URLIntSearch   URLName = "INTSEARCH" // no argument
)

// ServiceURL is the answer to URL, or what a mail notice points to.
type ServiceURL struct {
	Redirect string // where to go after the login: relative or absolute
	Post     string // the login page that the form is posted to
	SiteID   string // "" when the dialect has none
}

// LoginForm is what a browser posts to be logged in at a page of the service
// (section 2.3). It holds a hash that the password can be guessed from.
type LoginForm struct {
	Action string // https, of a host that Trust names
	Fields []FormField
}

// FormField is one field of a LoginForm, in the order in which it is posted.
type FormField struct{ Name, Value string }

// ServiceURL asks for a page of the service. argument is sent as it is, or "" for
// none; names that need a locale get Config.Locale when it is "".
//
// The error is ErrNoSuchURL for a name that is none, ErrArgument for an argument
// that cannot be sent, a *ServerError, or ErrTimeout.
func (c *Client) ServiceURL(ctx context.Context, name URLName, argument string) (ServiceURL, error) {
	panic("declared")
}

// Absolute reports whether Redirect is a whole URL.
func (u ServiceURL) Absolute() bool { panic("declared") }

// Dummy reports whether the answer stands for nothing, as revival servers give it:
// "/unused1 /unused2".
func (u ServiceURL) Dummy() bool { panic("declared") }

// LoginForm makes the form for a page. It reports ErrNoForm when the server gave
// no MSPAuth at sign-in, and ErrUntrusted when Post is not https at a host that
// may get the password's hash.
func (c *Client) LoginForm(u ServiceURL) (LoginForm, error) { panic("declared") }
