package soap_test

import (
	"fmt"
	"strings"
	"testing"

	"matrix-msn/msn/soap"
)

// bigBook is an ABFindAll answer with as many contacts, each as long as real ones.
func bigBook(contacts int) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
		`<ABFindAllResponse xmlns="http://www.msn.com/webservices/AddressBook"><ABFindAllResult><contacts>`)
	for i := range contacts {
		fmt.Fprintf(&b, `<Contact><contactId>c1f9a363-4ee9-4a33-a434-%012d</contactId><contactInfo><groupIds><guid>d6deeacd-7849-4de4-93c5-d130915d0042</guid></groupIds>`+
			`<contactType>Regular</contactType><quickName>Contact %[1]d ♥</quickName><passportName>contact%[1]d@example.com</passportName>`+
			`<IsPassportNameHidden>false</IsPassportNameHidden><displayName>Contact %[1]d ♥</displayName><puid>0</puid><CID>%[1]d123456</CID>`+
			`<IsNotMobileVisible>false</IsNotMobileVisible><isMobileIMEnabled>false</isMobileIMEnabled><isMessengerUser>true</isMessengerUser>`+
			`<isFavorite>false</isFavorite><isSmtp>false</isSmtp><hasSpace>false</hasSpace><spotWatchState>NoDevice</spotWatchState>`+
			`<birthdate>0001-01-01T00:00:00</birthdate><primaryEmailType>ContactEmailPersonal</primaryEmailType>`+
			`<PrimaryLocation>ContactLocationPersonal</PrimaryLocation><PrimaryPhone>ContactPhonePersonal</PrimaryPhone>`+
			`<IsPrivate>false</IsPrivate><Gender>Unspecified</Gender><TimeZone>None</TimeZone></contactInfo><propertiesChanged />`+
			`<fDeleted>false</fDeleted><lastChange>2026-11-22T08:44:20.000000Z</lastChange></Contact>`, i+1)
	}
	b.WriteString("</contacts></ABFindAllResult></ABFindAllResponse></soap:Body></soap:Envelope>")
	return b.String()
}

func BenchmarkFindAll5000(b *testing.B) {
	answer := bigBook(5000)
	book := &soap.AddressBook{Caller: caller(always(answer)), URL: "https://x.test/ab", Ticket: ticket}
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		got, err := book.FindAll(b.Context())
		if err != nil || len(got.Contacts) != 5000 {
			b.Fatalf("%v", err)
		}
	}
}
