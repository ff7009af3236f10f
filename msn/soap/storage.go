package soap

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"matrix-msn/msn/internal/xmltext"
)

const (
	storageNamespace = "http://www.msn.com/webservices/storage/w10"
	// storageClient is whom the service takes the client for.
	storageClient = "Messenger Client 8.5"
	// maxResource is the longest name of a thing at the service that is kept, in bytes.
	maxResource = 256
)

// Storage keeps the profile of an account for all its clients, from MSNP15 on
// (protocol/06-oim-mail.md, section 5, and protocol/11-rich-content.md, section 8).
type Storage struct {
	Caller Caller
	URL    string
	// Ticket returns the present ticket of storage.msn.com: "t=…&p=…".
	Ticket func() string
	// CID is the number of the account in the address book.
	CID int64
}

// Profile is what the service keeps, as far as it is of use here.
type Profile struct {
	// Expression and Photo name the part of the profile that contacts see, and the display picture in
	// it; "" for none.
	Expression, Photo string
	// PhotoURL is where the picture is to be had, "" when there is none, and PhotoSize how many bytes it
	// says to have.
	PhotoURL  string
	PhotoSize int64
}

type profileXML struct {
	Result struct {
		Expression struct {
			ID    Text `xml:"ResourceID"`
			Photo struct {
				ID      Text `xml:"ResourceID"`
				Streams []struct {
					Name Text `xml:"DocumentStreamName"`
					URL  Text `xml:"PreAuthURL"`
					Size Text `xml:"DataSize"`
				} `xml:"DocumentStreams>DocumentStream"`
			} `xml:"Photo"`
		} `xml:"ExpressionProfile"`
	} `xml:"GetProfileResult"`
}

// Profile asks for the profile.
func (s *Storage) Profile(ctx context.Context) (Profile, error) {
	var answer profileXML
	err := s.call(ctx, "GetProfile", "RoamingSeed", "<profileHandle>"+s.alias()+"<RelationshipName>MyProfile</RelationshipName></profileHandle>"+
		"<profileAttributes><ResourceID>true</ResourceID><DateModified>true</DateModified><ExpressionProfileAttributes><ResourceID>true</ResourceID><DateModified>true</DateModified>"+
		"<Photo>true</Photo><PhotoAttributes><ResourceID>true</ResourceID><DocumentStreams>true</DocumentStreams><DocumentStreamsAttributes><ResourceID>true</ResourceID>"+
		"<DocumentStreamName>true</DocumentStreamName><DataSize>true</DataSize><PreAuthURL>true</PreAuthURL></DocumentStreamsAttributes></PhotoAttributes>"+
		"</ExpressionProfileAttributes></profileAttributes>", &answer)
	if err != nil {
		return Profile{}, err
	}
	e := answer.Result.Expression
	p := Profile{Expression: resource(e.ID), Photo: resource(e.Photo.ID)}
	for _, stream := range e.Photo.Streams {
		if stream.Name == "UserTileStatic" {
			p.PhotoURL = string(stream.URL)
			p.PhotoSize, _ = strconv.ParseInt(string(stream.Size), 10, 64) // 0 if it is not a number
		}
	}
	return p, nil
}

// CreatePhoto keeps a picture for the profile and returns its name. Relate makes it the one that is shown.
func (s *Storage) CreatePhoto(ctx context.Context, picture []byte) (string, error) {
	var answer struct {
		ID Text `xml:"CreateDocumentResult"`
	}
	err := s.call(ctx, "CreateDocument", "RoamingIdentityChanged", "<parentHandle><RelationshipName>/UserTiles</RelationshipName>"+s.alias()+"</parentHandle>"+
		`<document xsi:type="Photo"><Name>picture</Name><DocumentStreams><DocumentStream xsi:type="PhotoStream"><DocumentStreamType>UserTileStatic</DocumentStreamType>`+
		"<MimeType>image/png</MimeType><Data>"+base64.StdEncoding.EncodeToString(picture)+"</Data><DataSize>0</DataSize></DocumentStream></DocumentStreams></document>"+
		"<relationshipName>Messenger User Tile</relationshipName>", &answer)
	if err == nil && resource(answer.ID) == "" {
		err = fmt.Errorf("%w: a picture without a name", ErrAnswer)
	}
	return resource(answer.ID), err
}

// Relate has the profile show a picture.
func (s *Storage) Relate(ctx context.Context, p Profile, photo string) error {
	return s.call(ctx, "CreateRelationships", "RoamingIdentityChanged", "<relationships><Relationship><SourceID>"+xmltext.Escape(p.Expression)+
		"</SourceID><SourceType>SubProfile</SourceType><TargetID>"+xmltext.Escape(photo)+"</TargetID><TargetType>Photo</TargetType><RelationshipName>ProfilePhoto</RelationshipName></Relationship></relationships>", nil)
}

// Unrelate has the profile show no picture any more.
func (s *Storage) Unrelate(ctx context.Context, p Profile) error {
	target := "<targetHandles><ObjectHandle><ResourceID>" + xmltext.Escape(p.Photo) + "</ResourceID></ObjectHandle></targetHandles>"
	err := s.call(ctx, "DeleteRelationships", "RoamingIdentityChanged", "<sourceHandle><RelationshipName>/UserTiles</RelationshipName>"+s.alias()+"</sourceHandle>"+target, nil)
	if err != nil {
		return err
	}
	return s.call(ctx, "DeleteRelationships", "RoamingIdentityChanged", "<sourceHandle><ResourceID>"+xmltext.Escape(p.Expression)+"</ResourceID></sourceHandle>"+target, nil)
}

// alias names the account.
func (s *Storage) alias() string {
	return fmt.Sprintf("<Alias><Name>%d</Name><NameSpace>MyCidStuff</NameSpace></Alias>", s.CID)
}

func (s *Storage) call(ctx context.Context, operation, scenario, body string, answer any) error {
	header := `<StorageApplicationHeader xmlns="` + storageNamespace + `"><ApplicationID>` + storageClient + "</ApplicationID><Scenario>" + scenario + "</Scenario></StorageApplicationHeader>" +
		`<StorageUserHeader xmlns="` + storageNamespace + `"><Puid>0</Puid><TicketToken>` + xmltext.Escape(s.Ticket()) + "</TicketToken></StorageUserHeader>"
	body = "<" + operation + ` xmlns="` + storageNamespace + `">` + body + "</" + operation + ">"
	return s.Caller.Call(ctx, Request{URL: s.URL, Action: storageNamespace + "/" + operation, Reads: reads(operation), Header: Raw(header), Body: Raw(body)}, nil, answer)
}

// resource cleans the name of a thing at the service.
func resource(name Text) string {
	if len(name) > maxResource || strings.ContainsFunc(string(name), func(r rune) bool { return r < ' ' }) {
		return ""
	}
	return string(name)
}
