package soap

import (
	"context"
	"encoding/xml"
)

// contactChange is an operation on one contact.
type contactChange struct {
	XMLName xml.Name
	Book    string       `xml:"abId"`
	Groups  *groupFilter `xml:"groupFilter"`
	Contact newContact   `xml:"contacts>Contact"`
	// Managed has the service put the contact on the Allow list too.
	Managed *bool `xml:"options>EnableAllowListManagement,omitempty"`
}

type groupFilter struct {
	IDs []string `xml:"groupIds>guid"`
}

type newContact struct {
	ID      string      `xml:"contactId,omitempty"`
	Info    *newContent `xml:"contactInfo"`
	Changed string      `xml:"propertiesChanged,omitempty"`
}

type newContent struct {
	Type        string          `xml:"contactType,omitempty"`
	Passport    string          `xml:"passportName,omitempty"`
	Name        string          `xml:"displayName,omitempty"`
	Messenger   *bool           `xml:"isMessengerUser"`
	Emails      *newEmail       `xml:"emails>ContactEmail"`
	Phones      *newPhone       `xml:"phones>ContactPhone"`
	Annotations []newAnnotation `xml:"annotations>Annotation,omitempty"`
	Invite      *newInvite      `xml:"MessengerMemberInfo"`
}

type newEmail struct {
	Kind       string `xml:"contactEmailType"`
	Address    string `xml:"email"`
	Messenger  bool   `xml:"isMessengerEnabled"`
	Capability int    `xml:"Capability"`
	Changed    string `xml:"propertiesChanged"`
}

type newPhone struct {
	Kind    string `xml:"contactPhoneType"`
	Number  string `xml:"number"`
	Enabled bool   `xml:"isMessengerEnabled"`
	Changed string `xml:"propertiesChanged"`
}

type newInvite struct {
	Annotations []newAnnotation `xml:"PendingAnnotations>Annotation,omitempty"`
	Name        string          `xml:"DisplayName"`
}

var yes, no = true, false

func changeOf(operation string, contact newContact) contactChange {
	return contactChange{XMLName: xml.Name{Space: bookNamespace, Local: operation}, Book: DefaultBook, Contact: contact}
}

// AddContact puts an account into the address book and on the Allow list
// (ABContactAdd), and returns its contact ID. ownName and message are shown to the
// one who is added. The ErrorCode of the *Fault is InvalidPassportUser or
// BadEmailArgument for an account that does not exist, QuotaLimitReached when the
// list is full. A contact that is there already is no error; its ID is "" then.
func (b *AddressBook) AddContact(ctx context.Context, account string, network int, ownName, message string) (id string, err error) {
	invite := &newInvite{Name: ownName}
	if message != "" {
		invite.Annotations = []newAnnotation{{Name: "MSN.IM.InviteMessage", Value: message}}
	}
	info := &newContent{Type: "LivePending", Passport: account, Messenger: &yes, Invite: invite}
	if network == NetworkYahoo {
		info = &newContent{Invite: invite, Emails: &newEmail{Kind: "Messenger2", Address: account, Messenger: true,
			Capability: NetworkYahoo, Changed: "Email IsMessengerEnabled Capability"}}
	}
	change := changeOf("ABContactAdd", newContact{Info: info})
	change.Managed = &yes
	var answer struct {
		ID Text `xml:"ABContactAddResult>guid"`
	}
	err = b.call(ctx, b.URL, "ABContactAdd", scenarioSave, change, &answer)
	if IsDone(err) {
		return "", nil
	}
	return string(answer.ID), err
}

// DeleteContact takes a contact out of the address book (ABContactDelete).
func (b *AddressBook) DeleteContact(ctx context.Context, id string) error {
	err := b.call(ctx, b.URL, "ABContactDelete", scenarioSave, changeOf("ABContactDelete", newContact{ID: id}), nil)
	if IsDone(err) {
		return nil
	}
	return err
}

// SetMessenger sets whether somebody in the address book is on FL.
func (b *AddressBook) SetMessenger(ctx context.Context, id string, listed bool) error {
	value := &no
	if listed {
		value = &yes
	}
	return b.update(ctx, newContact{ID: id, Info: &newContent{Messenger: value}, Changed: "IsMessengerUser"})
}

// SetNickName stores the name that the user gives a contact; "" removes it.
func (b *AddressBook) SetNickName(ctx context.Context, id, name string) error {
	return b.update(ctx, newContact{ID: id, Changed: "Annotation ",
		Info: &newContent{Annotations: []newAnnotation{{Name: "AB.NickName", Value: name}}}})
}

// SetOwnName stores the user's own display name.
func (b *AddressBook) SetOwnName(ctx context.Context, name string) error {
	return b.update(ctx, newContact{Info: &newContent{Type: "Me", Name: name}, Changed: "DisplayName"})
}

// SetOwnAnnotation stores a setting of the user's, such as MSN.IM.BLP, with their own entry.
func (b *AddressBook) SetOwnAnnotation(ctx context.Context, name, value string) error {
	return b.update(ctx, newContact{Changed: "Annotation ",
		Info: &newContent{Type: "Me", Annotations: []newAnnotation{{Name: name, Value: value}}}})
}

func (b *AddressBook) update(ctx context.Context, contact newContact) error {
	return b.call(ctx, b.URL, "ABContactUpdate", scenarioSave, changeOf("ABContactUpdate", contact), nil)
}

// groupType is that of groups of Messenger.
const groupType = "C8529CE2-6EAD-434d-881F-341E17DB3FF8"

// AddGroup makes a group and returns its ID (ABGroupAdd).
func (b *AddressBook) AddGroup(ctx context.Context, name string) (id string, err error) {
	body := struct {
		XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABGroupAdd"`
		Book    string   `xml:"abId"`
		Rename  bool     `xml:"groupAddOptions>fRenameOnMsgrConflict"`
		Info    struct {
			Name        string          `xml:"name"`
			Type        string          `xml:"groupType"`
			Messenger   bool            `xml:"fMessenger"`
			Annotations []newAnnotation `xml:"annotations>Annotation"`
		} `xml:"groupInfo>GroupInfo"`
	}{Book: DefaultBook}
	body.Info.Name, body.Info.Type = name, groupType
	body.Info.Annotations = []newAnnotation{{Name: "MSN.IM.Display", Value: "1"}}
	var answer struct {
		ID Text `xml:"ABGroupAddResult>guid"`
	}
	err = b.call(ctx, b.URL, "ABGroupAdd", scenarioGroup, body, &answer)
	return string(answer.ID), err
}

// RenameGroup gives a group another name (ABGroupUpdate).
func (b *AddressBook) RenameGroup(ctx context.Context, id, name string) error {
	body := struct {
		XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook ABGroupUpdate"`
		Book    string   `xml:"abId"`
		ID      string   `xml:"groups>Group>groupId"`
		Name    string   `xml:"groups>Group>groupInfo>name"`
		Changed string   `xml:"groups>Group>propertiesChanged"`
	}{Book: DefaultBook, ID: id, Name: name, Changed: "GroupName "}
	return b.call(ctx, b.URL, "ABGroupUpdate", scenarioGroup, body, nil)
}

// DeleteGroup removes a group, not its members (ABGroupDelete).
func (b *AddressBook) DeleteGroup(ctx context.Context, id string) error {
	body := struct {
		XMLName xml.Name    `xml:"http://www.msn.com/webservices/AddressBook ABGroupDelete"`
		Book    string      `xml:"abId"`
		Groups  groupFilter `xml:"groupFilter"`
	}{Book: DefaultBook, Groups: groupFilter{IDs: []string{id}}}
	err := b.call(ctx, b.URL, "ABGroupDelete", scenarioGroup, body, nil)
	if IsDone(err) {
		return nil
	}
	return err
}

// JoinGroup puts a contact into a group (ABGroupContactAdd).
func (b *AddressBook) JoinGroup(ctx context.Context, group, contact string) error {
	return b.groupContact(ctx, "ABGroupContactAdd", group, contact)
}

// LeaveGroup takes a contact out of a group (ABGroupContactDelete).
func (b *AddressBook) LeaveGroup(ctx context.Context, group, contact string) error {
	return b.groupContact(ctx, "ABGroupContactDelete", group, contact)
}

func (b *AddressBook) groupContact(ctx context.Context, operation, group, contact string) error {
	change := changeOf(operation, newContact{ID: contact})
	change.Groups = &groupFilter{IDs: []string{group}}
	err := b.call(ctx, b.URL, operation, scenarioGroup, change, nil)
	if IsDone(err) {
		return nil
	}
	return err
}
