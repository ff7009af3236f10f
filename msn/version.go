package msn

import "context"

// Version is what the server answers to CVR (protocol/07, section 1).
type Version struct {
	Recommended string // client version to use
	Minimum     string // older ones are not wanted; "" when not given
	DownloadURL string // where to get it; not checked
	InfoURL     string // not checked
}

// Unrecognised reports whether the server does not know the client.
func (v Version) Unrecognised() bool { panic("declared") }

// Outdated reports whether the server wants a newer client than version own.
func (v Version) Outdated(own string) bool { panic("declared") }

// Newer reports whether the server recommends a newer client than version own.
func (v Version) Newer(own string) bool { panic("declared") }

// Identity returns what the Client announces.
func (c *Client) Identity() Identity { panic("declared") }

// AnnounceVersion sends CVR once more and returns the answer.
func (c *Client) AnnounceVersion(ctx context.Context) (Version, error) { panic("declared") }

// Version returns the server's latest answer, if there was one.
func (c *Client) Version() (version Version, ok bool) { panic("declared") }
