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
	{"help.sections.talk_to_people", []topic{
		{name: "start-chat", short: "help.start_chat.short",
			args: "help.start_chat.args", description: "help.start_chat.does",
			examples: []string{"start-chat bob@example.com"}},
		{name: "create-group", short: "help.create_group.short",
			args: "help.create_group.args", description: "help.create_group.does",
			examples: []string{"create-group", "create-group Sailing on Sunday"}},
		{name: "invite", short: "help.invite.short",
			args: "help.invite.args", description: "help.invite.does",
			examples: []string{"invite carol@example.com", "invite carol@example.com dave@example.com"}},
		{name: "nudge", short: "help.nudge.short",
			args: "help.nudge.args", description: "help.nudge.does",
			examples: []string{"nudge", "nudge bob@example.com"}},
		{name: "page", short: "help.page.short",
			args: "help.page.args", description: "help.page.does",
			examples: []string{"page bob@example.com Call me", "page --callback home +15551112222 Call me"}},
		{name: "retry", short: "help.retry.short",
			args: "help.retry.args", description: "help.retry.does",
			examples: []string{"retry", "retry anyway"}},
		{name: "circles", short: "help.circles.short",
			args: "help.circles.args", description: "help.circles.does",
			examples: []string{"circles", "circles accept 2", "circles create Friends of mine"}},
	}},
	{"help.sections.your_contact_list", []topic{
		{name: "contacts", short: "help.contacts.short",
			args: "help.contacts.args", description: "help.contacts.does",
			examples: []string{"contacts", "contacts online", "contacts group Friends", "contacts bob"}},
		{name: "search", short: "help.search.short",
			args: "help.search.args", description: "help.search.does",
			examples: []string{"search bob"}},
		{name: "whois", short: "help.whois.short",
			args: "help.whois.args", description: "help.whois.does",
			examples: []string{"whois bob@example.com"}},
		{name: "resolve-identifier", short: "help.resolve_identifier.short",
			args: "help.resolve_identifier.args", description: "help.resolve_identifier.does",
			examples: []string{"resolve-identifier bob@example.com"}},
		{name: "add", short: "help.add.short",
			args: "help.add.args", description: "help.add.does",
			examples: []string{"add carol@example.com", "add carol@example.com It is me, Alice"}},
		{name: "remove", short: "help.remove.short",
			args: "help.remove.args", description: "help.remove.does",
			examples: []string{"remove carol@example.com"}},
		{name: "accept", short: "help.accept.short",
			args: "help.accept.args", description: "help.accept.does",
			examples: []string{"accept", "accept carol@example.com"}},
		{name: "decline", short: "help.decline.short",
			args: "help.decline.args", description: "help.decline.does",
			examples: []string{"decline", "decline carol@example.com"}},
		{name: "block", short: "help.block.short",
			args: "help.block.args", description: "help.block.does",
			examples: []string{"block carol@example.com"}},
		{name: "unblock", short: "help.unblock.short",
			args: "help.unblock.args", description: "help.unblock.does",
			examples: []string{"unblock carol@example.com"}},
		{name: "rename", short: "help.rename.short",
			args: "help.rename.args", description: "help.rename.does",
			examples: []string{"rename bob@example.com Bobby", "rename bob@example.com -"}},
		{name: "group", short: "help.group.short",
			args: "help.group.args", description: "help.group.does",
			examples: []string{"group", "group add Friends", "group put 2 bob@example.com"}},
	}},
	{"help.sections.how_they_see_you_and_you_them", []topic{
		{name: "status", short: "help.status.short",
			args: "help.status.args", description: "help.status.does",
			examples: []string{"status busy", "status follow"}},
		{name: "psm", short: "help.psm.short",
			args: "help.psm.args", description: "help.psm.does",
			examples: []string{"psm Gone sailing", "psm -"}},
		{name: "nick", short: "help.nick.short",
			args: "help.nick.args", description: "help.nick.does",
			examples: []string{"nick Alice", "nick --follow"}},
		{name: "picture", short: "help.picture.short",
			args: "help.picture.args", description: "help.picture.does",
			examples: []string{"picture", "picture remove", "picture --follow"}},
		{name: "privacy", short: "help.privacy.short",
			args: "help.privacy.args", description: "help.privacy.does",
			examples: []string{"privacy", "privacy contacts"}},
		{name: "presence", short: "help.presence.short",
			args: "help.presence.args", description: "help.presence.does",
			examples: []string{"presence off"}},
		{name: "emoticons", short: "help.emoticons.short",
			args: "help.emoticons.args", description: "help.emoticons.does",
			examples: []string{"emoticons off"}},
	}},
	{"help.sections.what_the_service_has", []topic{
		{name: "alerts", short: "help.alerts.short",
			args: "help.alerts.args", description: "help.alerts.does",
			examples: []string{"alerts", "alerts 20"}},
		{name: "inbox", short: "help.inbox.short",
			description: "help.inbox.does",
			examples:    []string{"inbox"}},
		{name: "compose", short: "help.compose.short",
			args: "help.compose.args", description: "help.compose.does",
			examples: []string{"compose bob@example.com"}},
		{name: "profile", short: "help.profile.short",
			args: "help.profile.args", description: "help.profile.does",
			examples: []string{"profile", "profile bob@example.com"}},
		{name: "account", short: "help.account.short",
			description: "help.account.does",
			examples:    []string{"account"}},
		{name: "mobile", short: "help.mobile.short",
			description: "help.mobile.does",
			examples:    []string{"mobile"}},
		{name: "url", short: "help.url.short",
			args: "help.url.args", description: "help.url.does",
			examples: []string{"url", "url CHGMOB"}},
		{name: "find", short: "help.find.short",
			args: "help.find.args", description: "help.find.does",
			examples: []string{"find Bob Builder", "find Bob Builder city=London"}},
		{name: "client-version", short: "help.client_version.short",
			args: "help.client_version.args", description: "help.client_version.does",
			examples: []string{"client-version", "client-version announce"}},
	}},
	{"help.sections.your_accounts", []topic{
		{name: "login", short: "help.login.short",
			args: "help.login.args", description: "help.login.does",
			examples: []string{"login", "login escargot"}, forWhom: forWhoMayLogIn},
		{name: "list-logins", short: "help.list_logins.short",
			description: "help.list_logins.does",
			examples:    []string{"list-logins"}},
		{name: "reconnect", short: "help.reconnect.short",
			args: "help.reconnect.args", description: "help.reconnect.does",
			examples: []string{"reconnect"}},
		{name: "relogin", short: "help.relogin.short",
			args: "help.relogin.args", description: "help.relogin.does",
			examples: []string{"relogin escargot/you@example.com"}},
		{name: "logout", short: "help.logout.short",
			args: "help.logout.args", description: "help.logout.does",
			examples: []string{"logout home/you@example.com"}},
		{name: "places", short: "help.places.short",
			args: "help.places.args", description: "help.places.does",
			examples: []string{"places", "places out 2", "places out all"}},
		{name: "login-matrix", short: "help.login_matrix.short",
			args: "help.login_matrix.args", description: "help.login_matrix.does",
			examples: []string{"login-matrix syt_your_access_token"}, forWhom: forPuppets},
		{name: "logout-matrix", short: "help.logout_matrix.short",
			description: "help.logout_matrix.does",
			examples:    []string{"logout-matrix"}, forWhom: forPuppets},
	}},
	{"help.sections.rooms_and_the_rest", []topic{
		{name: "bridge", short: "help.bridge.short",
			args: "help.bridge.args", description: "help.bridge.does",
			examples: []string{"bridge bob@example.com", "bridge bob@example.com --move"}},
		{name: "unbridge", short: "help.unbridge.short",
			description: "help.unbridge.does",
			examples:    []string{"unbridge"}},
		{name: "set-relay", short: "help.set_relay.short",
			description: "help.set_relay.does",
			examples:    []string{"set-relay"}, forWhom: forRelays},
		{name: "unset-relay", short: "help.unset_relay.short",
			description: "help.unset_relay.does",
			examples:    []string{"unset-relay"}, forWhom: forRelays},
		{name: "clear-rooms", short: "help.clear_rooms.short",
			description: "help.clear_rooms.does",
			examples:    []string{"clear-rooms"}, forWhom: forAnybody},
		{name: "set-management-room", short: "help.set_management_room.short",
			description: "help.set_management_room.does",
			examples:    []string{"set-management-room"}, forWhom: forAnybody},
		{name: "help", short: "help.help.short",
			args: "help.help.args", description: "help.help.does",
			examples: []string{"help", "help contacts"}, forWhom: forAnybody},
		{name: "cancel", short: "help.cancel.short",
			description: "help.cancel.does",
			examples:    []string{"cancel"}, forWhom: forAnybody},
		{name: "version", short: "help.version.short",
			description: "help.version.does",
			examples:    []string{"version"}, forWhom: forAnybody},
	}},
	{"help.sections.for_admins", []topic{
		{name: "logins",
			description: "help.logins.does",
			examples:    []string{"logins"}, forWhom: forAdmins},
		{name: "delete-portal",
			description: "help.delete_portal.does",
			examples:    []string{"delete-portal"}, forWhom: forAdmins},
		{name: "sudo",
			args: "help.sudo.args", description: "help.sudo.does",
			examples: []string{"sudo @alice:example.com list-logins"}, forWhom: forAdmins},
		{name: "doin",
			args: "help.doin.args", description: "help.doin.does",
			examples: []string{"doin !room:example.com delete-portal"}, forWhom: forAdmins},
		{name: "set-pl",
			args: "help.set_pl.args", description: "help.set_pl.does",
			examples: []string{"set-pl 100", "set-pl @alice:example.com 50"}, forWhom: forAdmins},
		{name: "discard-megolm-session",
			description: "help.discard_megolm_session.does",
			examples:    []string{"discard-megolm-session"}, forWhom: forAdmins},
	}},
}
