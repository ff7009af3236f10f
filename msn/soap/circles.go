package soap

import (
	"context"
	"encoding/xml"
	"fmt"
	"matrix-msn/msn/internal/clean"
	"strings"
)

// Circle is a persistent group of MSNP18.
type Circle struct {
	ID    string // 00000000-0000-0000-0009-xxxxxxxxxxxx
	Host  string // "live.com"
	Name  string
	Role  string
	State string // "Accepted", "WaitingResponse"
}

// CircleMember is somebody who belongs to a circle, or nearly does.
type CircleMember struct {
	ID      string // in the address book of the circle
	Account string // as it came
	Name    string // at most MaxCircleName bytes
	State   CircleState
}

// CircleState is what somebody in the address book of a circle is to it.
type CircleState uint8

// The states.
const (
	// CircleListed: an invitation was begun and never sent.
	CircleListed  CircleState = iota
	CircleInvited             // has not answered yet
	CircleJoined
)

const (
	// MaxCircleMembers is how many people of a circle are read.
	MaxCircleMembers = 256
	// maxCircleText is the longest name of a member that is kept, in bytes.
	maxCircleText = 512
)

type circleXML struct {
	ID    Text   `xml:"Content>Handle>Id"`
	Host  Text   `xml:"Content>Info>HostedDomain"`
	Name  string `xml:"Content>Info>DisplayName"`
	Role  Text   `xml:"PersonalInfo>MembershipInfo>CirclePersonalMembership>Role"`
	State Text   `xml:"PersonalInfo>MembershipInfo>CirclePersonalMembership>State"`
}

// CircleMembers downloads who belongs to a circle, the user included, given its ID as
// in Circle (ABFindContactsPaged of the circle's own address book). whole tells whether
// these are all: not more than MaxCircleMembers.
func (b *AddressBook) CircleMembers(ctx context.Context, id string) (members []CircleMember, whole bool, err error) {
	result, err := b.findPaged(ctx, id)
	if err != nil {
		return nil, false, err
	}
	contacts := append(result.Contacts, result.Contacts2...)
	for i := range contacts {
		c, ok := contacts[i].contact()
		state := CircleJoined
		switch {
		case !ok || c.Account == "":
			continue
		case c.Type == "LivePending" && contacts[i].Info.Relationship == "":
			state = CircleListed
		case c.Type == "LivePending":
			state = CircleInvited
		case c.Type != "Live" && c.Type != "Regular":
			continue // the circle itself is the book's "Me"
		}
		if len(members) == MaxCircleMembers {
			return members, false, nil
		}
		members = append(members, CircleMember{ID: clean.Cut(c.ID, maxReason), Account: clean.Cut(c.Account, maxReason), Name: clean.Cut(c.Name, maxCircleText), State: state})
	}
	return members, true, nil
}

// CreateCircle makes a circle that the user belongs to, as its owner (CreateCircle of
// the sharing service), and returns its ID as in Circle. ownName is what its members
// see of the user.
func (b *AddressBook) CreateCircle(ctx context.Context, name, ownName string) (id string, err error) {
	body := struct {
		XMLName  xml.Name `xml:"http://www.msn.com/webservices/AddressBook CreateCircle"`
		Domain   int      `xml:"properties>Domain"`
		Host     string   `xml:"properties>HostedDomain"`
		Type     int      `xml:"properties>Type"`
		Access   int      `xml:"properties>MembershipAccess"`
		Presence bool     `xml:"properties>IsPresenceEnabled"`
		Request  int      `xml:"properties>RequestMembershipOption"`
		Name     string   `xml:"properties>DisplayName"`
		OwnName  string   `xml:"callerInfo>PublicDisplayName"`
	}{Domain: 1, Host: "live.com", Type: 2, Presence: true, Request: 2, Name: name, OwnName: ownName}
	var answer struct {
		ID Text `xml:"CreateCircleResult>Id"`
	}
	if err := b.call(ctx, b.SharingURL, "CreateCircle", scenarioInitial, body, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", fmt.Errorf("%w: the new circle has no ID", ErrAnswer)
	}
	return strings.ToLower(string(answer.ID)), nil
}

// The numbers of ManageWLConnection.
const (
	relationshipCircle = 5
	roleInvited        = 3
	actionGrant        = 1
	actionDeny         = 2
)

type manageConnection struct {
	XMLName     xml.Name        `xml:"http://www.msn.com/webservices/AddressBook ManageWLConnection"`
	Book        string          `xml:"abHandle>ABId"`
	Contact     string          `xml:"contactId"`
	Connection  bool            `xml:"connection"`
	Presence    bool            `xml:"presence"`
	Action      int             `xml:"action"`
	Type        int             `xml:"relationshipType"`
	Role        int             `xml:"relationshipRole"`
	Annotations []newAnnotation `xml:"annotations>Annotation,omitempty"`
}

// AnswerCircle accepts or declines the invitation into a circle (ManageWLConnection).
func (b *AddressBook) AnswerCircle(ctx context.Context, id string, accept bool) error {
	action := actionDeny
	if accept {
		action = actionGrant
	}
	return b.manage(ctx, manageConnection{Book: DefaultBook, Contact: id, Action: action})
}

// InviteToCircle invites an account into a circle whose administrator the user is
// (CreateContact in the circle's address book, then ManageWLConnection). message is
// shown to the one who is invited. The ErrorCode of the *Fault is InvalidPassportUser
// for an account that does not exist, and ContactAlreadyExists for somebody who belongs
// to the circle. Somebody who is invited already is no error.
func (b *AddressBook) InviteToCircle(ctx context.Context, id, account, message string) error {
	body := struct {
		XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook CreateContact"`
		Book    string   `xml:"abHandle>ABId"`
		Email   string   `xml:"contactHandle>Email"`
		PUID    int      `xml:"contactHandle>Puid"`
		CID     int      `xml:"contactHandle>Cid"`
	}{Book: id, Email: account}
	var answer struct {
		ID Text `xml:"CreateContactResult>contactId"`
	}
	err := b.call(ctx, b.URL, "CreateContact", scenarioSave, body, &answer)
	if isError(err, "ContactAlreadyExists") {
		// It may have been begun before and never finished.
		person, findErr := b.circleMember(ctx, id, account)
		switch {
		case findErr != nil:
			return findErr
		case person.State == CircleInvited:
			return nil
		case person.State == CircleJoined || person.ID == "":
			return err
		}
		answer.ID = Text(person.ID)
	} else if err != nil {
		return err
	}
	request := manageConnection{Book: id, Contact: string(answer.ID), Action: actionGrant, Role: roleInvited}
	if message != "" {
		request.Annotations = []newAnnotation{{Name: "MSN.IM.InviteMessage", Value: message}}
	}
	return b.manage(ctx, request)
}

// circleMember finds somebody in the address book of a circle; the zero CircleMember is
// nobody.
func (b *AddressBook) circleMember(ctx context.Context, id, account string) (CircleMember, error) {
	members, _, err := b.CircleMembers(ctx, id)
	for _, m := range members {
		if strings.EqualFold(m.Account, account) {
			return m, nil
		}
	}
	return CircleMember{}, err
}

// manage makes a call whose refusal can stand in an answer that is none otherwise.
func (b *AddressBook) manage(ctx context.Context, request manageConnection) error {
	request.Connection, request.Type = true, relationshipCircle
	var answer struct {
		Refusal string `xml:"ManageWLConnectionResult>clientErrorData"`
	}
	err := b.call(ctx, b.URL, "ManageWLConnection", scenarioSave, request, &answer)
	if refusal := strings.TrimSpace(answer.Refusal); err == nil && refusal != "" {
		return &Fault{Code: "Client", Reason: clean.Cut(refusal, maxReason)}
	}
	return err
}

// LeaveCircle takes the user out of a circle (BreakConnection). ownID is the contact
// ID of the user's own, as in Book.Me.
func (b *AddressBook) LeaveCircle(ctx context.Context, id, ownID string) error {
	body := struct {
		XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook BreakConnection"`
		Book    string   `xml:"abHandle>ABId"`
		Contact string   `xml:"contactId"`
		Delete  bool     `xml:"deleteContact"`
		Block   bool     `xml:"blockContact"`
	}{Book: id, Contact: ownID, Delete: true}
	return b.call(ctx, b.URL, "BreakConnection", scenarioSave, body, nil)
}
