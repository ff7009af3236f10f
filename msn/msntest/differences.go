package msntest

// Compat chooses between servers where they differ.
type Compat uint8

const (
	// Historic does what the documents say about Microsoft's servers.
	Historic Compat = iota
	// Escargot does what the Escargot server does, as other revival servers do that
	// are made from it: no challenges, mode A always acknowledged, raw UTF-8 in names,
	// the list version counted per session, constant times in SYN, unknown commands
	// ignored, and what WithoutPaging says (protocol/09-quirks.md, section 1).
	Escargot
)

// defaultCompat is followed without WithCompat.
const defaultCompat = Historic

// differences returns what is particular to a server.
func (c Compat) differences() *differences {
	if c == Escargot {
		return &revival
	}
	return &historic
}

// differences are all the points in which the two kinds of servers differ. The server
// asks for a difference by its name, never for the kind; the two kinds follow below. What
// the revival servers do is from protocol/09-quirks.md, section 1, unless another section
// is named.
type differences struct {
	// Connections.

	// hangsUpAtNonsense: a command out of place ends the connection; otherwise it is ignored (protocol/08-errors.md).
	hangsUpAtNonsense bool
	// sparesOtherDialects: REA and SYN get 502, LST and DEL no answer, where the dialect lacks them; otherwise the end.
	sparesOtherDialects bool
	// saysGatewayClosed: the gateway's last answer says that the session is over.
	saysGatewayClosed bool
	// hexadecimalIDs: tickets and the IDs of switchboards are hexadecimal digits; otherwise numbers, or "t=" with "&p=".
	hexadecimalIDs bool

	// Signing in (protocol/01-login.md).

	// answersVersionQuery: VER with nothing but CVR0 is answered; otherwise it ends the connection.
	answersVersionQuery bool
	// wantsVersionFirst: USR before CVR ends the connection, from MSNP8 on.
	wantsVersionFirst bool
	// judgesVersions: CVR names the version to use; otherwise the client's own (protocol/07-misc-founding-spec.md, section 1).
	judgesVersions bool
	// loginPolicy is what USR hands to the Tweener log-in (section 3).
	loginPolicy string
	// exactAccount: USR takes an account in lower case only.
	exactAccount bool
	// takesBareEndpoint: the GUID of the endpoint in USR SSO may be without braces (section 4).
	takesBareEndpoint bool
	// swapsClientPort: ClientPort of the profile has its bytes swapped (section 6).
	swapsClientPort bool
	// alwaysRefusesSecondUSR: USR of who is signed in gets 207; otherwise 205 for tickets and proofs, 207 for MD5.
	alwaysRefusesSecondUSR bool
	// challenges: clients are sent CHL (section 9).
	challenges bool
	// refusesUnaskedQRY: an answer to no challenge gets 540 and ends the connection; otherwise it is ignored.
	refusesUnaskedQRY bool

	// Lists by SYN and their changes by command (protocol/02-contacts.md, sections 2 to 4).

	// onlyOneSYN: a second SYN ends the connection.
	onlyOneSYN bool
	// skipsKnownLists: SYN sends nothing more to a client that has the version.
	skipsKnownLists bool
	// versionPerSession: the list version counts up from the client's in each session; otherwise the account has one.
	versionPerSession bool
	// constantListTime: SYN of MSNP10 and later gives the same time always.
	constantListTime bool
	// fullProperties: PRP and BPR in SYN of MSNP5 to MSNP7 name TrID or account, and unset properties too.
	fullProperties bool
	// propertiesOnAllLists: BPR follows LST of each list in MSNP5 to MSNP7; otherwise of FL only.
	propertiesOnAllLists bool
	// alwaysNamesGroups: LST has the field of groups for everybody, empty or "0".
	alwaysNamesGroups bool
	// userNamesContacts: contacts are shown by the name that the user gave them (REA, SBP, ADC with F=).
	userNamesContacts bool
	// answersLST: the request for one list is answered; otherwise ignored.
	answersLST bool
	// refusesUnknownList: ADD, ADC and REM of no list get 201; otherwise no answer.
	refusesUnknownList bool
	// acceptsPendingEarly: ADC RL moves who is pending in MSNP10 too; otherwise only from MSNP11 on.
	acceptsPendingEarly bool
	// wantsPending: ADC RL ends the connection for who is not on PL any more.
	wantsPending bool
	// refusesAddedAgain: who is on a list already cannot be added, by command or web service.
	refusesAddedAgain bool
	// introducesAnyone: who is new on FL is shown at once; otherwise only those who have the user on FL or AL.
	introducesAnyone bool
	// unknownRemoval is the number for REM FL by an address from MSNP10 on.
	unknownRemoval string
	// unmovableGroup is the number for RMG of group 0.
	unmovableGroup string
	// leavingGroupIsRemoval: REM from a group tells the contact what the end of FL tells.
	leavingGroupIsRemoval bool
	// refusesRemovalUnwatched: REM FL of who does not know of it gets 216, though it is done.
	refusesRemovalUnwatched bool
	// refusesSameMode: GTC and BLP to what they are by default get 218; otherwise only to what was chosen.
	refusesSameMode bool
	// sendsEmptyValues: PRP and BPR of an unset property end with an empty value; otherwise with the name.
	sendsEmptyValues bool
	// tellsUnsetProperties: contacts hear that a property was unset.
	tellsUnsetProperties bool
	// encodesNonASCII: names have all that is not ASCII percent-encoded; otherwise raw UTF-8.
	encodesNonASCII bool

	// Lists by ADL and RML (protocol/02-contacts.md, section 5).

	// countsAnnouncedLists: ADL and RML say who sees whom in the session; otherwise they change the lists themselves.
	countsAnnouncedLists bool
	// readsInitialADL: the list of the sign-in is checked; otherwise taken unread.
	readsInitialADL bool
	// namesRefused: a refusal names the contact that is meant.
	namesRefused bool
	// closesAtUnknownNetwork: 204 ends the connection.
	closesAtUnknownNetwork bool
	// answersADLFirst: ADL is answered before its consequences; otherwise after them.
	answersADLFirst bool
	// showsContactAgain: ADL of who is on FL already shows them once more.
	showsContactAgain bool
	// knowsYahoo: FQY finds addresses of Yahoo.
	knowsYahoo bool
	// nameIsOfSession: PRP MFN from MSNP13 on changes the name until the end of the session; otherwise in the address book too.
	nameIsOfSession bool
	// shieldsWantSYN: GCF before SYN is refused from MSNP13 on too.
	shieldsWantSYN bool
	// hiddenCannotCall: XFR of who is hidden is refused from MSNP13 on too.
	hiddenCannotCall bool

	// Presence (protocol/03-presence.md).

	// announcesCapabilities: a change of nothing but capabilities or picture is told.
	announcesCapabilities bool
	// personalOnAppearing: who comes into view is told with the personal message.
	personalOnAppearing bool
	// tellsEmptyPersonal: the personal message is told at first sight though there is none (section 6).
	tellsEmptyPersonal bool
	// repeatsAfterListChange: others are told once more what they know after changes of lists.
	repeatsAfterListChange bool
	// fillsEmptyPicture: NLN says "<msnobj/>" for no picture.
	fillsEmptyPicture bool
	// keepsPictureZero: CHG with "0" for a picture is told as it is from MSNP16 on; otherwise it stands for none.
	keepsPictureZero bool
	// toleratesBadCapabilities: CHG with what is no capability number counts as 0; otherwise it is ignored (section 2).
	toleratesBadCapabilities bool
	// tellsHiddenSignIn: who signs in hidden is told as FLN.
	tellsHiddenSignIn bool
	// rewritesPersonal: UBX has all elements that the dialect knows; otherwise what came (section 6).
	rewritesPersonal bool
	// mergesPersonal: what UUX leaves out stays as it was, from MSNP13 on.
	mergesPersonal bool
	// repeatsSamePersonal: UUX with what is set already is told once more, from MSNP13 on.
	repeatsSamePersonal bool
	// keepsPersonal: the personal message is there again at the next sign-in, from MSNP13 on.
	keepsPersonal bool
	// dropsNotIdle: what an endpoint tells of itself loses "Idle" when it is false (section 7).
	dropsNotIdle bool
	// sharesCapabilities: an endpoint has those of the account before its first CHG; otherwise none (section 7).
	sharesCapabilities bool

	// Switchboards and messages without one (protocol/04-switchboard.md).

	// reopensSwitchboards: ANS to a call that is over opens the switchboard anew; otherwise it ends the connection.
	reopensSwitchboards bool
	// tellsOneself: who comes in by ANS from MSNP16 on, or calls the own account, gets JOI about oneself.
	tellsOneself bool
	// listsOneself: IRO names who comes in when another endpoint of the account is there.
	listsOneself bool
	// restrictsModeD: mode D ends the connection below MSNP9 (section 2).
	restrictsModeD bool
	// refusesShortP2P: a P2P message shorter than its header gets 282.
	refusesShortP2P bool
	// ignoresHeadless: a message without the end of its header is dropped.
	ignoresHeadless bool
	// alwaysAcknowledges: modes A and D get ACK though nobody was there, and no mode gets NAK (section 2).
	alwaysAcknowledges bool
	// refusesUnknownNote: UUN to an account that does not exist gets 217; otherwise no answer (section 4).
	refusesUnknownNote bool
	// answersUUM: UUM that cannot be kept is refused; otherwise dropped (section 4).
	answersUUM bool

	// Circles (protocol/04-switchboard.md, sections 4 and 5).

	// circlesWantLists: PUT is taken only after the list of the sign-in.
	circlesWantLists bool
	// leavesCircleByRML: RML wants the circle ticket and takes an endpoint out; otherwise it is only answered.
	leavesCircleByRML bool
	// leavesCircleByDEL: DEL takes an endpoint out of a circle; otherwise it is ignored.
	leavesCircleByDEL bool
	// refusesNonCircles: PUT and SDG to something else than a circle get 201; otherwise no answer.
	refusesNonCircles bool
	// exactSender: SDG names its sender with the case of the account and of the endpoint.
	exactSender bool
	// checksCircleLength: a Content-Length beyond the end of SDG gets 201.
	checksCircleLength bool
	// hidesByRoster: who blocks a circle disappears from its roster; otherwise FLN is told.
	hidesByRoster bool
	// rosterOfEndpoints: who enters is told of an account once for each of its endpoints.
	rosterOfEndpoints bool
	// countsCharacters: Content-Length of NFY is in characters; otherwise in bytes.
	countsCharacters bool
	// escapesCircleName: the name of a circle in NFY is XML; otherwise raw.
	escapesCircleName bool
	// invitesWithoutTicket: invitations are told to clients that have not shown a circle ticket too.
	invitesWithoutTicket bool

	// The web services (protocol/01-login.md, section 4; 02-contacts.md, section 5; 06-oim-mail.md).

	// wrongPassword is the number that RST gives for a wrong account or password.
	wrongPassword string
	// oneTicketForAll: RST gives the same ticket for all services; otherwise one for each.
	oneTicketForAll bool
	// ticketsNeedSignIn: services take tickets of those who are signed in with them; otherwise until they expire.
	ticketsNeedSignIn bool
	// refusesRemovedAgain: who is not on a list or in the book cannot be removed; only PL is guarded otherwise.
	refusesRemovedAgain bool
	// hidesPendingOnRL: FindMembership names who is pending on PL only.
	hidesPendingOnRL bool
	// blockingTellsFLN: AddMember BL tells the other one FLN.
	blockingTellsFLN bool
	// allowsNewContacts: ABContactAdd puts the contact on AL too when the client asks for that.
	allowsNewContacts bool
	// settingOff is what an annotation of the own contact says for "off".
	settingOff string
	// namesUnknownCircle: BreakConnection of a circle that is not there says so; otherwise it fails.
	namesUnknownCircle bool
	// mailFaultsAreSOAP: the service of offline messages explains what it refuses; otherwise it fails.
	mailFaultsAreSOAP bool
	// metadataWantsContent: GetMetadata without any element fails.
	metadataWantsContent bool
	// escapesMetadata: the answer to GetMetadata is text; otherwise XML.
	escapesMetadata bool
	// spacesAnnouncedName: the sender's name in the notice of a new offline message ends with " ?=", not "?=".
	spacesAnnouncedName bool
	// constantLock is the challenge of Store that any key opens; "" for one that is checked.
	constantLock string

	// What else the service has (protocol/07-misc-founding-spec.md).

	// servicePages: URL names the page that was asked for; otherwise one that is none (section 2).
	servicePages bool
	// sendsInvitations: SND and SDC are checked and send a mail; otherwise they are only answered (section 3).
	sendsInvitations bool
	// refusesSearch: FND without a directory gets 502; otherwise no answer (section 4).
	refusesSearch bool
	// paging: PAG and PGD are known; see WithoutPaging (section 6).
	paging bool
}

// historic are Microsoft's servers. What is not named is false.
var historic = differences{
	hangsUpAtNonsense: true,
	saysGatewayClosed: true,

	answersVersionQuery:    true,
	wantsVersionFirst:      true,
	judgesVersions:         true,
	loginPolicy:            longPolicy,
	swapsClientPort:        true,
	alwaysRefusesSecondUSR: true,
	challenges:             true,
	refusesUnaskedQRY:      true,

	onlyOneSYN:           true,
	skipsKnownLists:      true,
	fullProperties:       true,
	userNamesContacts:    true,
	answersLST:           true,
	refusesUnknownList:   true,
	acceptsPendingEarly:  true,
	refusesAddedAgain:    true,
	introducesAnyone:     true,
	unknownRemoval:       "208",
	unmovableGroup:       "230",
	refusesSameMode:      true,
	sendsEmptyValues:     true,
	tellsUnsetProperties: true,
	encodesNonASCII:      true,

	countsAnnouncedLists: true,
	readsInitialADL:      true,
	namesRefused:         true,
	answersADLFirst:      true,
	knowsYahoo:           true,
	nameIsOfSession:      true,
	shieldsWantSYN:       true,
	hiddenCannotCall:     true,

	announcesCapabilities:    true,
	personalOnAppearing:      true,
	toleratesBadCapabilities: true,

	restrictsModeD:     true,
	refusesShortP2P:    true,
	refusesUnknownNote: true,
	answersUUM:         true,

	leavesCircleByRML:    true,
	leavesCircleByDEL:    true,
	refusesNonCircles:    true,
	checksCircleLength:   true,
	escapesCircleName:    true,
	invitesWithoutTicket: true,

	wrongPassword:       "0x80048821",
	refusesRemovedAgain: true,
	allowsNewContacts:   true,
	settingOff:          "0",
	namesUnknownCircle:  true,
	mailFaultsAreSOAP:   true,

	servicePages:     true,
	sendsInvitations: true,
	refusesSearch:    true,
	paging:           true,
}

// revival is Escargot, which the servers of today are made from or follow. What is not
// named is false.
var revival = differences{
	sparesOtherDialects: true,
	hexadecimalIDs:      true,

	loginPolicy:       shortPolicy,
	exactAccount:      true,
	takesBareEndpoint: true,

	versionPerSession:       true,
	constantListTime:        true,
	propertiesOnAllLists:    true,
	alwaysNamesGroups:       true,
	unknownRemoval:          "403",
	unmovableGroup:          "224",
	leavingGroupIsRemoval:   true,
	refusesRemovalUnwatched: true,
	wantsPending:            true,

	closesAtUnknownNetwork: true,
	showsContactAgain:      true,

	tellsEmptyPersonal:     true,
	repeatsAfterListChange: true,
	fillsEmptyPicture:      true,
	keepsPictureZero:       true,
	tellsHiddenSignIn:      true,
	rewritesPersonal:       true,
	mergesPersonal:         true,
	repeatsSamePersonal:    true,
	keepsPersonal:          true,
	dropsNotIdle:           true,
	sharesCapabilities:     true,

	reopensSwitchboards: true,
	tellsOneself:        true,
	listsOneself:        true,
	ignoresHeadless:     true,
	alwaysAcknowledges:  true,

	circlesWantLists:  true,
	exactSender:       true,
	hidesByRoster:     true,
	rosterOfEndpoints: true,
	countsCharacters:  true,

	wrongPassword:        "0x80048823",
	oneTicketForAll:      true,
	ticketsNeedSignIn:    true,
	hidesPendingOnRL:     true,
	blockingTellsFLN:     true,
	settingOff:           "2",
	metadataWantsContent: true,
	escapesMetadata:      true,
	spacesAnnouncedName:  true,
	constantLock:         "1850937852",
}
