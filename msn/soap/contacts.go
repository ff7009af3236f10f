package soap

import (
	"context"
	"encoding/xml"
	"strconv"
	"strings"
)

// Contact is one entry of the address book.
type Contact struct {
	ID      string
	Type    string // "Me", "Regular", "LivePending", "Circle", …
	Account string // as it came; "tel:…" of a phone contact
	Network int
	CID     int64

	Name     string // that the contact chose, as the book last knew it
	NickName string // that the user gave it
	// Messenger tells whether the contact is on FL.
	Messenger bool
	Groups    []string
	// Phones are the numbers by kind: Personal, Business, Mobile.
	Phones      map[string]string
	MobileIM    bool // takes messages on a mobile device
	annotations []annotationXML
}

// Annotation returns a value such as MSN.IM.BLP, or "".
func (c *Contact) Annotation(name string) string { return valueOf(c.annotations, name) }

// Group is a group of the address book.
type Group struct{ ID, Name string }

// Book is the content of the address book.
type Book struct {
	Groups       []Group
	Contacts     []Contact // without the user's own
	Me           Contact
	Circles      []Circle
	CircleTicket string // XML, for USR SHA; "" when there is none
}

type findAll struct {
	XMLName    xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABFindAll"`
	Book       string   `xml:"abId"`
	View       string   `xml:"abView"`
	DeltasOnly bool     `xml:"deltasOnly"`
	LastChange string   `xml:"lastChange"`
}

type findPaged struct {
	XMLName    xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABFindContactsPaged"`
	DeltasOnly bool     `xml:"filterOptions>DeltasOnly"`
	Shell      bool     `xml:"filterOptions>ContactFilter>IncludeShellContacts"`
	Hidden     bool     `xml:"filterOptions>ContactFilter>IncludeHiddenContacts"`
	View       string   `xml:"abView"`
	Extended   string   `xml:"extendedContent"`
	Circle     string   `xml:"abHandle>ABId,omitempty"`
	PageSize   int      `xml:"pageContext>PageSize"`
	Direction  string   `xml:"pageContext>Direction"`
}

// bookXML is the result of both operations, whose elements differ in letter case.
type bookXML struct {
	Groups    []groupXML   `xml:"groups>Group"`
	Groups2   []groupXML   `xml:"Groups>Group"`
	Contacts  []contactXML `xml:"contacts>Contact"`
	Contacts2 []contactXML `xml:"Contacts>Contact"`
	Circles   []circleXML  `xml:"CircleResult>Circles>CircleInverseInfo"`
	Ticket    string       `xml:"CircleResult>CircleTicket"`
}

type groupXML struct {
	ID      Text   `xml:"groupId"`
	Name    string `xml:"groupInfo>name"`
	Deleted Text   `xml:"fDeleted"`
}

type contactXML struct {
	ID      Text `xml:"contactId"`
	Deleted Text `xml:"fDeleted"`
	Info    struct {
		Type      Text   `xml:"contactType"`
		Passport  Text   `xml:"passportName"`
		Name      string `xml:"displayName"`
		QuickName string `xml:"quickName"`
		Messenger Text   `xml:"isMessengerUser"`
		MobileIM  Text   `xml:"isMobileIMEnabled"`
		CID       Text   `xml:"CID"`
		Groups    []Text `xml:"groupIds>guid"`
		// Relationship is what a person is to a circle, in its address book.
		Relationship Text            `xml:"NetworkInfoList>NetworkInfo>RelationshipState"`
		Annotations  []annotationXML `xml:"annotations>Annotation"`
		Phones       []struct {
			Kind   Text `xml:"contactPhoneType"`
			Number Text `xml:"number"`
		} `xml:"phones>ContactPhone"`
		Emails []struct {
			Kind       Text `xml:"contactEmailType"`
			Address    Text `xml:"email"`
			Messenger  Text `xml:"isMessengerEnabled"`
			Capability Text `xml:"Capability"`
		} `xml:"emails>ContactEmail"`
	} `xml:"contactInfo"`
}

func (x *contactXML) contact() (Contact, bool) {
	info := &x.Info
	cid, _ := strconv.ParseInt(string(info.CID), 10, 64) // 0 if it is not a number
	c := Contact{
		CID: cid, ID: string(x.ID), Type: string(info.Type), Account: string(info.Passport), Network: NetworkPassport,
		Name: info.Name, NickName: valueOf(info.Annotations, "AB.NickName"),
		Messenger: info.Messenger == "true", MobileIM: info.MobileIM == "true", annotations: info.Annotations,
	}
	for _, id := range info.Groups {
		c.Groups = append(c.Groups, string(id))
	}
	for _, phone := range info.Phones {
		if kind, ok := strings.CutPrefix(string(phone.Kind), "ContactPhone"); ok && phone.Number != "" {
			if c.Phones == nil {
				c.Phones = make(map[string]string)
			}
			c.Phones[kind] = string(phone.Number)
		}
	}
	for _, email := range info.Emails {
		if c.Account != "" || email.Address == "" || !strings.HasPrefix(string(email.Kind), "Messenger") {
			continue
		}
		c.Account = string(email.Address)
		c.Messenger = c.Messenger || email.Messenger == "true"
		if email.Capability == "32" {
			c.Network = NetworkYahoo
		}
	}
	if number := c.Phones["Mobile"]; c.Account == "" && c.Messenger && number != "" {
		c.Account, c.Network = "tel:"+strings.TrimPrefix(number, "tel:"), NetworkPhone
	}
	return c, x.Deleted != "true"
}

func (x *bookXML) book() *Book {
	book := &Book{CircleTicket: strings.TrimSpace(x.Ticket)}
	for _, g := range append(x.Groups, x.Groups2...) {
		if g.Deleted != "true" && g.ID != "" && len(book.Groups) < maxItems {
			book.Groups = append(book.Groups, Group{ID: string(g.ID), Name: g.Name})
		}
	}
	contacts := append(x.Contacts, x.Contacts2...)
	for i := range contacts {
		c, ok := contacts[i].contact()
		switch {
		case !ok:
		case c.Type == "Me":
			book.Me = c
		case c.Account != "" && c.Type != "Circle" && len(book.Contacts) < maxItems:
			book.Contacts = append(book.Contacts, c)
		}
	}
	for _, c := range x.Circles {
		if c.ID != "" && len(book.Circles) < maxItems {
			book.Circles = append(book.Circles, Circle{ID: strings.ToLower(string(c.ID)), Host: string(c.Host), Name: c.Name,
				Role: string(c.Role), State: string(c.State)})
		}
	}
	return book
}

// noChange is the time stamp that asks for everything.
const noChange = "0001-01-01T00:00:00.0000000-08:00"

// FindAll downloads the address book (ABFindAll), as MSNP13 to MSNP15 do.
func (b *AddressBook) FindAll(ctx context.Context) (*Book, error) {
	var answer struct {
		Result bookXML `xml:"ABFindAllResult"`
	}
	err := b.call(ctx, b.URL, "ABFindAll", scenarioInitial,
		findAll{Book: DefaultBook, View: "Full", LastChange: noChange}, &answer)
	if err != nil {
		return nil, err
	}
	return answer.Result.book(), nil
}

// FindPaged downloads the address book with its circles (ABFindContactsPaged), as
// MSNP16 and later do.
func (b *AddressBook) FindPaged(ctx context.Context) (*Book, error) {
	result, err := b.findPaged(ctx, "")
	if err != nil {
		return nil, err
	}
	return result.book(), nil
}

// findPaged makes the call, for the user's address book or that of the circle with
// this ID.
func (b *AddressBook) findPaged(ctx context.Context, circle string) (*bookXML, error) {
	var answer struct {
		Result bookXML `xml:"ABFindContactsPagedResult"`
	}
	err := b.call(ctx, b.URL, "ABFindContactsPaged", scenarioInitial,
		findPaged{Shell: true, Hidden: true, View: "MessengerClient8", Extended: "AB AllGroups CircleResult",
			Circle: circle, PageSize: maxItems, Direction: "Forward"}, &answer)
	return &answer.Result, err
}

// Create makes the address book of an account that never had one (ABAdd). Calls
// for its content fail with the ErrorCode ABDoesNotExist before that.
func (b *AddressBook) Create(ctx context.Context, owner string) error {
	body := struct {
		XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABAdd"`
		PUID    int      `xml:"abInfo>ownerPuid"`
		Owner   string   `xml:"abInfo>ownerEmail"`
		Default bool     `xml:"abInfo>fDefault"`
	}{Owner: owner, Default: true}
	return b.call(ctx, b.URL, "ABAdd", scenarioInitial, body, nil)
}
