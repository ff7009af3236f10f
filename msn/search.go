package msn

import "context"

// Query is what to search the directory for. Fields that are "" match anybody;
// both names are needed.
type Query struct{ FirstName, LastName, City, State, Country string }

// Person is one entry of the directory.
type Person struct{ FirstName, LastName, City, State, Country string }

// Search searches the directory (FND, protocol/07, section 4). Services have
// answered ErrSearchDisabled since 2003, and some answer nothing, which is the
// same error; the Client goes on either way.
func (c *Client) Search(ctx context.Context, q Query) ([]Person, error) { panic("declared") }
