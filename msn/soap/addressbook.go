package soap

import (
	"context"
	"encoding/xml"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const (
	bookNamespace = "http://www.msn.com/webservices/AddressBook"
	// applicationID is that of Messenger 8 and 2009.
	applicationID = "CFE80F9D-180F-4399-82AB-413F33A1FA11"
	// DefaultBook is the ID of the only address book that people have.
	DefaultBook = "00000000-0000-0000-0000-000000000000"
	// maxItems is how many contacts, groups or members of one answer are kept.
	// Services allow 1,000 contacts.
	maxItems = 10000
)

// Scenarios say for what a call is made (PartnerScenario).
const (
	scenarioInitial = "Initial"
	scenarioSave    = "ContactSave"
	scenarioBlock   = "BlockUnblock"
	scenarioGroup   = "GroupSave"
	scenarioPending = "MessengerPendingList"
)

// AddressBook calls the services of contacts and memberships of one account
// (protocol/02-contacts.md, sections 5.2 and 5.3). Its methods may be called from
// any goroutine.
type AddressBook struct {
	Caller Caller
	// URL and SharingURL are those of the two services.
	URL, SharingURL string
	// Ticket returns the present ticket of contacts.msn.com.
	Ticket func() string
	// CookieTicket sends the ticket as a cookie too, as MSNP13 and MSNP14 did.
	CookieTicket bool

	mu       sync.Mutex
	cacheKey string
	host     string // that the service wants to be called at, "" for that of the URLs
}

type bookHeader struct {
	Application struct {
		XMLName         xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABApplicationHeader"`
		ApplicationID   string   `xml:"ApplicationId"`
		IsMigration     bool     `xml:"IsMigration"`
		PartnerScenario string   `xml:"PartnerScenario"`
		CacheKey        string   `xml:"CacheKey,omitempty"`
	}
	Auth struct {
		XMLName             xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABAuthHeader"`
		ManagedGroupRequest bool     `xml:"ManagedGroupRequest"`
		TicketToken         string   `xml:"TicketToken,omitempty"`
	}
}

// MarshalXML writes the two headers beside each other.
func (h *bookHeader) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	if err := e.Encode(h.Application); err != nil {
		return err
	}
	return e.Encode(h.Auth)
}

type serviceHeader struct {
	CacheKey          Text `xml:"ServiceHeader>CacheKey"`
	CacheKeyChanged   bool `xml:"ServiceHeader>CacheKeyChanged"`
	PreferredHostName Text `xml:"ServiceHeader>PreferredHostName"`
}

// maxCacheKey is the longest CacheKey that is sent back, in bytes; real ones have
// some 250.
const maxCacheKey = 4096

// call makes one call of an operation to one of the services.
func (b *AddressBook) call(ctx context.Context, service, operation, scenario string, body, answer any) error {
	b.mu.Lock()
	address, cacheKey := b.at(service), b.cacheKey
	b.mu.Unlock()
	header := &bookHeader{}
	header.Application.ApplicationID = applicationID
	header.Application.PartnerScenario = scenario
	header.Application.CacheKey = cacheKey
	request := Request{URL: address, Action: bookNamespace + "/" + operation, Reads: reads(operation), Header: header, Body: body}
	ticket := b.Ticket()
	header.Auth.TicketToken = ticket
	if b.CookieTicket {
		request.Cookie = "MSPAuth=" + strings.NewReplacer(";", "", "\r", "", "\n", "").Replace(ticket)
	}
	var got serviceHeader
	err := b.Caller.Call(ctx, request, &got, answer)
	b.mu.Lock()
	defer b.mu.Unlock()
	if got.CacheKeyChanged && len(got.CacheKey) <= maxCacheKey {
		b.cacheKey = string(got.CacheKey)
	}
	if host := string(got.PreferredHostName); host != "" && host != b.host {
		b.prefer(service, host)
	}
	return err
}

// at returns the address of a service at the host it wants to be called at.
func (b *AddressBook) at(service string) string {
	if b.host == "" {
		return service
	}
	u, err := url.Parse(service)
	if err != nil {
		return service
	}
	u.Host = b.host
	return u.String()
}

// prefer takes a host that the service named, if it may be used.
func (b *AddressBook) prefer(service, host string) {
	u, err := url.Parse(service)
	if err != nil || strings.ContainsAny(host, "/?#@ ") {
		return
	}
	u.Host = host
	if b.Caller.Allow(u) == nil {
		b.host = host
	}
}

// IsMissing reports whether an error says that the account has no address book.
func IsMissing(err error) bool { return isError(err, "ABDoesNotExist") }

// IsDone reports whether an error says that a change is made already: what was to
// be added is there, or what was to be removed is not.
func IsDone(err error) bool {
	return isError(err, "ContactAlreadyExists", "MemberAlreadyExists", "GroupAlreadyExists",
		"MemberDoesNotExist", "ContactDoesNotExist", "GroupDoesNotExist")
}

func isError(err error, codes ...string) bool {
	fault, ok := errors.AsType[*Fault](err)
	return ok && slices.Contains(codes, fault.ErrorCode)
}
