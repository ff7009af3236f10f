package notify

// MaxPageText is the longest text of a page in characters (Unicode code points),
// counted before escaping (section 6.2).
const MaxPageText = 113

// Page is the body of a PAG or PGD: a text for somebody's mobile device.
type Page struct {
	Text string
	// Callback, when its Number is not "", asks to be called back there.
	Callback Callback
}

// Callback is the PHONE element of a page.
type Callback struct {
	Location Location
	Number   string // digits only: "15551114444"
}

// Location says whose number a Callback is.
type Location string

// The locations.
const (
	Home   Location = "HOME"
	Work   Location = "WORK"
	Mobile Location = "MOBILE"
)

// IncomingPage is what an IPG brings: a text from somebody's mobile device.
type IncomingPage struct {
	From string // account in lower case, or "tel:+15551112222"
	Text string
	LCID int
}

// Bounce is an IPG that reports a page of the user's own that failed.
type Bounce struct {
	TrID uint32 // of the PAG or PGD, in the session in which it was sent
	Code string // MSG id: BounceTooLong, or anything else
	To   string // whom the report names as its sender, "" when nobody
}

// BounceTooLong is the Code of a page that was too long.
const BounceTooLong = "407"
