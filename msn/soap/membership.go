package soap

import (
	"context"
	"encoding/xml"
	"strings"
)

// Role is a membership list.
type Role string

// The roles.
const (
	Allow   Role = "Allow"
	Block   Role = "Block"
	Reverse Role = "Reverse"
	Pending Role = "Pending"
)

// Member is one entry of a membership list.
type Member struct {
	Role         Role
	MembershipID string
	Account      string // e-mail address as it came, or "tel:" and a number
	Network      int    // protocol/00-overview.md, section 8
	Name         string
	Message      string // what a pending member wrote to be let in
}

type findMembership struct {
	XMLName xml.Name `xml:"http://www.msn.com/webservices/AddressBook FindMembership"`
	Types   []string `xml:"serviceFilter>Types>ServiceType"`
}

type membershipsXML struct {
	Services []struct {
		Memberships []struct {
			Role    Text        `xml:"MemberRole"`
			Members []memberXML `xml:"Members>Member"`
		} `xml:"Memberships>Membership"`
		Type Text `xml:"Info>Handle>Type"`
	} `xml:"FindMembershipResult>Services>Service"`
}

type memberXML struct {
	Kind         string          `xml:"type,attr"`
	MembershipID Text            `xml:"MembershipId"`
	State        Text            `xml:"State"`
	Deleted      Text            `xml:"Deleted"`
	DisplayName  string          `xml:"DisplayName"`
	PassportName Text            `xml:"PassportName"`
	Email        Text            `xml:"Email"`
	PhoneNumber  Text            `xml:"PhoneNumber"`
	Annotations  []annotationXML `xml:"Annotations>Annotation"`
}

type annotationXML struct {
	Name  Text   `xml:"Name"`
	Value string `xml:"Value"`
}

func valueOf(annotations []annotationXML, name string) string {
	for _, a := range annotations {
		if string(a.Name) == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// Networks of members and contacts.
const (
	NetworkPassport = 1
	NetworkPhone    = 4
	NetworkYahoo    = 32
)

// member returns the entry, or false for one that is none of a person.
func (x *memberXML) member(role Role) (Member, bool) {
	m := Member{Role: role, MembershipID: string(x.MembershipID), Name: x.DisplayName,
		Message: valueOf(x.Annotations, "MSN.IM.InviteMessage")}
	switch {
	case x.Deleted == "true":
		return m, false
	case x.PassportName != "":
		m.Account, m.Network = string(x.PassportName), NetworkPassport
	case x.Email != "":
		m.Account, m.Network = string(x.Email), NetworkPassport
		if strings.HasPrefix(valueOf(x.Annotations, "MSN.IM.BuddyType"), "32:") {
			m.Network = NetworkYahoo
		}
	case x.PhoneNumber != "":
		m.Account, m.Network = "tel:"+strings.TrimPrefix(string(x.PhoneNumber), "tel:"), NetworkPhone
	}
	return m, m.Account != ""
}

// Memberships returns who is on the lists Allow, Block, Reverse and Pending.
func (b *AddressBook) Memberships(ctx context.Context) ([]Member, error) {
	var answer membershipsXML
	err := b.call(ctx, b.SharingURL, "FindMembership", scenarioInitial,
		findMembership{Types: []string{"Messenger", "Invitation", "SocialNetwork", "Space", "Profile"}}, &answer)
	if err != nil {
		return nil, err
	}
	var members []Member
	for _, service := range answer.Services {
		if service.Type != "Messenger" {
			continue
		}
		for _, list := range service.Memberships {
			for i := range list.Members {
				if m, ok := list.Members[i].member(Role(list.Role)); ok && len(members) < maxItems {
					members = append(members, m)
				}
			}
		}
	}
	return members, nil
}

// memberChange is AddMember and DeleteMember.
type memberChange struct {
	XMLName xml.Name
	Handle  struct {
		ID        int    `xml:"Id"`
		Type      string `xml:"Type"`
		ForeignID string `xml:"ForeignId"`
	} `xml:"serviceHandle"`
	Membership struct {
		Role   Role      `xml:"MemberRole"`
		Member newMember `xml:"Members>Member"`
	} `xml:"memberships>Membership"`
}

type newMember struct {
	Kind        string         `xml:"xsi:type,attr"`
	Type        string         `xml:"Type"`
	State       string         `xml:"State"`
	Passport    string         `xml:"PassportName,omitempty"`
	Email       string         `xml:"Email,omitempty"`
	Phone       string         `xml:"PhoneNumber,omitempty"`
	Annotations *newAnnotation `xml:"Annotations>Annotation,omitempty"`
}

type newAnnotation struct {
	Name  string `xml:"Name"`
	Value string `xml:"Value"`
}

// memberOf describes an account as a member of a list.
func memberOf(account string, network int) newMember {
	switch number, isPhone := strings.CutPrefix(account, "tel:"); {
	case isPhone:
		return newMember{Kind: "PhoneMember", Type: "Phone", State: "Accepted", Phone: number}
	case network == NetworkYahoo:
		return newMember{Kind: "EmailMember", Type: "Email", State: "Accepted", Email: account,
			Annotations: &newAnnotation{Name: "MSN.IM.BuddyType", Value: "32:"}}
	}
	return newMember{Kind: "PassportMember", Type: "Passport", State: "Accepted", Passport: account}
}

// AddMember puts an account on a membership list. One that is there already is no
// error.
func (b *AddressBook) AddMember(ctx context.Context, role Role, account string, network int) error {
	return b.changeMember(ctx, "AddMember", role, account, network)
}

// DeleteMember takes an account off a membership list. One that is not there is no
// error.
func (b *AddressBook) DeleteMember(ctx context.Context, role Role, account string, network int) error {
	return b.changeMember(ctx, "DeleteMember", role, account, network)
}

func (b *AddressBook) changeMember(ctx context.Context, operation string, role Role, account string, network int) error {
	change := memberChange{XMLName: xml.Name{Space: bookNamespace, Local: operation}}
	change.Handle.Type = "Messenger"
	change.Membership.Role, change.Membership.Member = role, memberOf(account, network)
	scenario := scenarioBlock
	if role == Pending || role == Reverse {
		scenario = scenarioPending
	}
	err := b.call(ctx, b.SharingURL, operation, scenario, change, nil)
	if IsDone(err) {
		return nil
	}
	return err
}
