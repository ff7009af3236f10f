package command

// section is what people want to do, and the commands for it.
type section struct {
	title  string
	topics []topic
}

// topic is what help says of one command.
type topic struct {
	name string
	// short is for the screen with all commands.
	short string
	// args are what can stand behind the name, in Markdown, "" for nothing.
	args string
	// description says what the command does, in Markdown.
	description string
	// examples are the command as people type it in the chat with the bot.
	examples []string
	forWhom  audience
}

// audience is for whom a command is.
type audience uint8

const (
	forUsers       audience = iota // who are logged in
	forAnybody                     // who may talk to the bot
	forWhoMayLogIn                 // also before the first time
	forRelays                      // users, where the admin has others speak through them
	forPuppets                     // who may have the bridge write in their names
	forAdmins                      // of the bridge
)

// topics are all commands that do something here, in the order of the help. What the framework has besides
// does nothing with MSN, or is another name of one of these.
var topics = []section{
	{"Talk to people", []topic{
		{name: "start-chat", short: "a room with somebody",
			args: "[_login ID_] <_e-mail_>", description: "Open the room with somebody. Who is not on your contact list has to be online, unless the service says that it knows them.",
			examples: []string{"start-chat bob@example.com"}},
		{name: "create-group", short: "a room with several",
			args: "[_name_]", description: "Make the room that you are in a group chat with the contacts who are in it. Make a room first, and invite the Matrix users of your contacts and me into it.",
			examples: []string{"create-group", "create-group Sailing on Sunday"}},
		{name: "invite", short: "call somebody in",
			args: "<_e-mail_>… [_text_]", description: "Call contacts into the conversation of the room; or have the service mail an invitation to somebody who is no contact of yours.",
			examples: []string{"invite carol@example.com", "invite carol@example.com dave@example.com"}},
		{name: "nudge", short: "shake their window",
			args: "[_e-mail_]", description: "Nudge somebody: Messenger shakes its window. In the room with them the address may be left out.",
			examples: []string{"nudge", "nudge bob@example.com"}},
		{name: "page", short: "text a mobile device",
			args: "[--callback home|work|mobile[=_number_]] [_e-mail or +number_] <_text_>", description: "Send a text of up to 113 characters to somebody's mobile device. In the room with a contact the address may be left out.",
			examples: []string{"page bob@example.com Call me", "page --callback home +15551112222 Call me"}},
		{name: "retry", short: "send again what failed",
			args: "[anyway]", description: "Send the last text again that you have written in the room and that has failed; with `anyway` also one that may have arrived.",
			examples: []string{"retry", "retry anyway"}},
		{name: "circles", short: "your circles",
			args: "[accept|decline|leave <_number_>|create <_name_>]", description: "List your circles; or answer an invitation into one, leave one, make one.",
			examples: []string{"circles", "circles accept 2", "circles create Friends of mine"}},
	}},
	{"Your contact list", []topic{
		{name: "contacts", short: "everybody, and who is online",
			args: "[_login ID_] [online|offline|waiting|blocked|group _name_|_part of a name_]", description: "Show your contact list with everybody's status, or those who are online, offline, wait for an answer, are blocked, in a group, or called like that.",
			examples: []string{"contacts", "contacts online", "contacts group Friends", "contacts bob"}},
		{name: "search", short: "find by a part of the name",
			args: "[_login ID_] <_part of a name or an address_>", description: "Look for people on your contact list.",
			examples: []string{"search bob"}},
		{name: "whois", short: "all about one",
			args: "[_e-mail_]", description: "Show what is known of a contact: lists, groups, names, status, phone numbers. In the room with them the address may be left out.",
			examples: []string{"whois bob@example.com"}},
		{name: "resolve-identifier", short: "is there such an account?",
			args: "[_login ID_] <_e-mail_>", description: "See whether the service knows an account, without opening a room.",
			examples: []string{"resolve-identifier bob@example.com"}},
		{name: "add", short: "onto your list",
			args: "<_e-mail_> [_text for them_]", description: "Put somebody on your contact list, and let them see you. This also answers who has added you.",
			examples: []string{"add carol@example.com", "add carol@example.com It is me, Alice"}},
		{name: "remove", short: "off your list",
			args: "[_e-mail_]", description: "Take a contact off your contact list.",
			examples: []string{"remove carol@example.com"}},
		{name: "accept", short: "who added you, or a file",
			args: "[_e-mail_]", description: "Take the file that was offered last in the room. Or answer somebody who has added you: let them see you, and put them on your contact list.",
			examples: []string{"accept", "accept carol@example.com"}},
		{name: "decline", short: "or not",
			args: "[_e-mail_]", description: "Decline the file that was offered last in the room. Or answer somebody who has added you: keep them from seeing you and writing to you.",
			examples: []string{"decline", "decline carol@example.com"}},
		{name: "block", short: "keep out",
			args: "[_e-mail_]", description: "Keep somebody from seeing you and writing to you.",
			examples: []string{"block carol@example.com"}},
		{name: "unblock", short: "let in",
			args: "[_e-mail_]", description: "Let somebody see you and write to you, who was blocked or waits for an answer.",
			examples: []string{"unblock carol@example.com"}},
		{name: "rename", short: "your own name for one",
			args: "[_e-mail_] [_name_]", description: "Call a contact by a name of your own, which only you see; `-` takes it away. Without a name it shows how they are called.",
			examples: []string{"rename bob@example.com Bobby", "rename bob@example.com -"}},
		{name: "group", short: "groups of your list",
			args: "[add _name_|remove _number_|rename _number_ _name_|put _number_ [_e-mail_]|take _number_ [_e-mail_]]", description: "List the groups of your contact list; or make, remove and rename one, put a contact into one or take them out.",
			examples: []string{"group", "group add Friends", "group put 2 bob@example.com"}},
	}},
	{"How they see you, and you them", []topic{
		{name: "status", short: "as what you are seen",
			args: "[follow|activity|online|busy|away|brb|phone|lunch|idle|hidden]", description: "Show or choose as what your contacts see you: as Matrix shows you, as online while you write and read, or always the same.",
			examples: []string{"status busy", "status follow"}},
		{name: "psm", short: "your personal message",
			args: "[_text_]", description: "Show the personal message that your contacts read below your name, or set it; `-` takes it away.",
			examples: []string{"psm Gone sailing", "psm -"}},
		{name: "nick", short: "your name",
			args: "[_name_ | --follow]", description: "Show the name that your contacts see, take another one, or follow your name of Matrix.",
			examples: []string{"nick Alice", "nick --follow"}},
		{name: "picture", short: "your picture",
			args: "[remove | --follow]", description: "Show a picture to your contacts: send it here, and answer it with this command. `remove` takes it away, `--follow` shows your picture of Matrix.",
			examples: []string{"picture", "picture remove", "picture --follow"}},
		{name: "privacy", short: "who may see you",
			args: "[everybody|contacts|ask|open]", description: "Show who may see you and write to you: everybody whom you have not blocked, or only those you have let in; and whether you are asked when somebody adds you.",
			examples: []string{"privacy", "privacy contacts"}},
		{name: "presence", short: "show who is online in Matrix",
			args: "[on|off]", description: "Show or choose whether Matrix shows which of your contacts are online.",
			examples: []string{"presence off"}},
		{name: "emoticons", short: "emoji for :)",
			args: "[on|off]", description: "Show or choose whether emoji stand for the emoticons of MSN, such as `:)` and `(Y)`.",
			examples: []string{"emoticons off"}},
	}},
	{"What the service has", []topic{
		{name: "alerts", short: "the latest alerts",
			args: "[_number_] [_login ID_]", description: "List the latest alerts, mail notices and announcements of the service.",
			examples: []string{"alerts", "alerts 20"}},
		{name: "inbox", short: "your mail",
			description: "Link to your mail.",
			examples:    []string{"inbox"}},
		{name: "compose", short: "write a mail",
			args: "[_e-mail_]", description: "Link to where a mail is written.",
			examples: []string{"compose bob@example.com"}},
		{name: "profile", short: "profiles",
			args: "[_e-mail_]", description: "Link to where your profile is edited, or to the profile of a contact.",
			examples: []string{"profile", "profile bob@example.com"}},
		{name: "account", short: "password and data",
			description: "Link to where your account is managed: password, secret question, data.",
			examples:    []string{"account"}},
		{name: "mobile", short: "your mobile device",
			description: "Link to where your mobile device is set up.",
			examples:    []string{"mobile"}},
		{name: "url", short: "other pages",
			args: "[_name_] [_argument_]", description: "Link to a page of the service. Without a name it lists them.",
			examples: []string{"url", "url CHGMOB"}},
		{name: "find", short: "the directory",
			args: "<_first name_> <_last name_> [city=_…_] [state=_…_] [country=_…_]", description: "Search the service's directory of members.",
			examples: []string{"find Bob Builder", "find Bob Builder city=London"}},
		{name: "client-version", short: "what it knows of me",
			args: "[announce]", description: "Show what the service is told about the bridge, and what it says to that; or tell it again.",
			examples: []string{"client-version", "client-version announce"}},
	}},
	{"Your accounts", []topic{
		{name: "login", short: "sign in to one",
			args: "[_service_]", description: "Sign in to an MSN account. I ask for the address and the password, in your own chat with me, and remove the message with the password.",
			examples: []string{"login", "login escargot"}, forWhom: forWhoMayLogIn},
		{name: "list-logins", short: "which you have",
			description: "Show your accounts, and whether they are signed in.",
			examples:    []string{"list-logins"}},
		{name: "reconnect", short: "sign in again now",
			args: "[_login ID_]", description: "Sign in again now. If the account is in use at another place, this ends the session there.",
			examples: []string{"reconnect"}},
		{name: "relogin", short: "with a new password",
			args: "<_login ID_>", description: "Give me a new password for an account. `list-logins` shows their login IDs.",
			examples: []string{"relogin escargot/you@example.com"}},
		{name: "logout", short: "forget one",
			args: "<_login ID_>", description: "Forget an account, and sign out of it. What waits to be sent there is not sent.",
			examples: []string{"logout home/you@example.com"}},
		{name: "places", short: "where you are signed in",
			args: "[out <_number_>|out all]", description: "List the places where your account is signed in; or sign it out at another one, or all others.",
			examples: []string{"places", "places out 2", "places out all"}},
		{name: "login-matrix", short: "what you write elsewhere is yours",
			args: "<_access token_>", description: "Have what you write in another Messenger appear here as written by you (double puppeting). The access token is that of your Matrix account; send it in your own chat with me.",
			examples: []string{"login-matrix syt_your_access_token"}, forWhom: forPuppets},
		{name: "logout-matrix", short: "or not",
			description: "What you write in another Messenger does not appear as written by you any more.",
			examples:    []string{"logout-matrix"}, forWhom: forPuppets},
	}},
	{"Rooms, and the rest", []topic{
		{name: "bridge", short: "make this one that of somebody",
			args: "<_e-mail_ or _name_> [--move]", description: "Make the room that you are in that of a contact, a group chat or a circle. With `--move` it takes the place of the one there is. `unbridge` gives it back.",
			examples: []string{"bridge bob@example.com", "bridge bob@example.com --move"}},
		{name: "unbridge", short: "give it back",
			description: "Make the room that you are in an ordinary room of Matrix again, which was made one of MSN by `bridge`.",
			examples:    []string{"unbridge"}},
		{name: "set-relay", short: "others speak through you",
			description: "Let others who are in the room speak to MSN through your account, under their names.",
			examples:    []string{"set-relay"}, forWhom: forRelays},
		{name: "unset-relay", short: "end that",
			description: "Others who are in the room do not speak through your account any more.",
			examples:    []string{"unset-relay"}, forWhom: forRelays},
		{name: "clear-rooms", short: "be rid of those that are dead",
			description: "Take away the rooms of accounts that you are logged out of, with all that was written there. Those in which other people of Matrix are too stay.",
			examples:    []string{"clear-rooms"}, forWhom: forAnybody},
		{name: "set-management-room", short: "this is our chat",
			description: "Make the room that you are in your chat with me, in which commands need no prefix.",
			examples:    []string{"set-management-room"}, forWhom: forAnybody},
		{name: "help", short: "this, or one command",
			args: "[_command_]", description: "Show all commands, or one of them with examples.",
			examples: []string{"help", "help contacts"}, forWhom: forAnybody},
		{name: "cancel", short: "end what I ask you",
			description: "End what I ask you just now, such as a password.",
			examples:    []string{"cancel"}, forWhom: forAnybody},
		{name: "version", short: "of this bridge",
			description: "Show the version of this bridge.",
			examples:    []string{"version"}, forWhom: forAnybody},
	}},
	{"For admins", []topic{
		{name: "logins",
			description: "Show all accounts of this bridge: whose they are, service, version of the protocol, since when they are signed in or why not, and what waits.",
			examples:    []string{"logins"}, forWhom: forAdmins},
		{name: "delete-portal",
			description: "Forget the room that you are in, and leave it with all people of MSN.",
			examples:    []string{"delete-portal"}, forWhom: forAdmins},
		{name: "sudo",
			args: "<_user_> <_command_>", description: "Run a command as another user.",
			examples: []string{"sudo @alice:example.com list-logins"}, forWhom: forAdmins},
		{name: "doin",
			args: "<_room_> <_command_>", description: "Run a command in another room.",
			examples: []string{"doin !room:example.com delete-portal"}, forWhom: forAdmins},
		{name: "set-pl",
			args: "[_user_] <_power level_>", description: "Change the power level of a user in the room, or your own.",
			examples: []string{"set-pl 100", "set-pl @alice:example.com 50"}, forWhom: forAdmins},
		{name: "discard-megolm-session",
			description: "Encrypt the next message in the room with a new key.",
			examples:    []string{"discard-megolm-session"}, forWhom: forAdmins},
	}},
}
