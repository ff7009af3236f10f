package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"text/template"

	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/bridgev2/matrix/mxmain"
)

// defaults are the framework's defaults that this program ships another value
// for. Most bridges are small: SQLite suffices them and needs no server.
var defaults = []struct{ framework, own string }{
	{"    # The database type. \"sqlite3-fk-wal\" and \"postgres\" are supported.\n    type: postgres\n", "" +
		"    # The database type. \"sqlite3-fk-wal-fullsync\" and \"postgres\" are supported.\n" +
		"    # \"sqlite3-fk-wal\" is faster, but a power cut can take back the last messages.\n" +
		"    type: sqlite3-fk-wal-fullsync\n"},
	{"    uri: postgres://user:password@host/database?sslmode=disable\n    # Maximum", "" +
		"    #           _secure_delete=on overwrites the texts of messages that were delivered.\n" +
		"    uri: file:matrix-msn.db?_txlock=immediate&_secure_delete=on\n    # Maximum"},
	{"    # Should the bridge check the db to ensure that incoming events haven't been handled before\n", "" +
		"    # Has no effect here: the bridge always knows which events it was given before.\n"},
	{"    max_idle_conns: 1\n", "" +
		"    # All of them stay open for a while after they were used. A number below max_open_conns has no effect.\n" +
		"    max_idle_conns: 5\n"},
	// That a message has arrived is a status of it. The receipt of the bot looks as if somebody had read it.
	{"    message_status_events: false\n", "" +
		"    # Where a message is, at the message: it waits, it has arrived, or it has not. Some clients show that, as gomuks does;\n" +
		"    # Element passes over it, without a line or a badge. It is one small event for each message.\n" +
		"    message_status_events: true\n"},
	{"    # Whether the bridge should send a read receipt after successfully bridging a message.\n", "" +
		"    # Whether the bot should send a read receipt after successfully bridging a message. All clients show that, as if\n" +
		"    # somebody had read the message.\n"},
	{"    # This is only necessary when using clients that don't support MSC4171.\n", "" +
		"    # With false clients call such a room by who is in it: then a new name of a contact is one line there, and not two.\n" +
		"    # Clients that don't support MSC4171 count the bot among them, and an invitation says nothing of whom it is from.\n" +
		"    # Rooms of contacts to whom you have given a name of your own bear it in any case.\n"},
	{"    # Should bridge connection status be sent to the management room as `m.notice` events?\n", "" +
		"    # Should users be told in their chat with the bot that their account is not signed in, and that it is again?\n" +
		"    # With none they are not; errors and all are the same here: each is told once, in words.\n"},
	{"        avatar: \n", "        avatar: ''\n"},
	{"        message_formats:\n", "        # MSN has plain text: the tags are left out, and so is the style of the messages. Names are made fit for it, and\n" +
		"        # those that could be taken for somebody else's have the Matrix ID behind them. Edits, polls, places and stickers\n" +
		"        # have the format of m.text. A format that fails, or has no place for the message, is not used.\n" +
		"        message_formats:\n"},
	// At debug level the log holds the texts of the bot's own messages.
	{"    min_level: debug\n", "    min_level: info\n"},
}

// exampleConfig returns the complete config file: the connector's section and
// the framework's, with this program's defaults.
func exampleConfig(connector bridgev2.NetworkConnector) (string, error) {
	network, _, _ := connector.GetConfig()
	var b strings.Builder
	b.WriteString("# Network-specific config options\nnetwork:\n")
	for line := range strings.SplitSeq(strings.TrimRight(network, "\n"), "\n") {
		b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
	}
	b.WriteString("\n")
	base, err := template.New("config").Delims("$<<", ">>").Parse(mxmain.MatrixExampleConfigBase)
	if err != nil {
		return "", fmt.Errorf("the framework's example config: %w", err)
	}
	if err := base.Execute(&b, connector.GetName()); err != nil {
		return "", fmt.Errorf("the framework's example config: %w", err)
	}
	config := b.String()
	for _, setting := range defaults {
		if strings.Count(config, setting.framework) != 1 {
			return "", fmt.Errorf("the framework's example config has no %q any more", setting.framework)
		}
		config = strings.Replace(config, setting.framework, setting.own, 1)
	}
	return config, nil
}

func writeExampleConfig(path string, connector bridgev2.NetworkConnector) error {
	config, err := exampleConfig(connector)
	if err != nil {
		return err
	}
	if path == "-" {
		fmt.Print(config)
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		return fmt.Errorf("%s is there already; move it away first, or name another file with -c", path)
	} else if err != nil {
		return fmt.Errorf("cannot write the example config: %w", err)
	}
	if _, err := file.WriteString(config); err != nil {
		file.Close()
		return fmt.Errorf("cannot write the example config: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("cannot write the example config: %w", err)
	}
	fmt.Println("Wrote an example config to", path)
	return nil
}

// beginConfig writes the example where there is no config at all, as at the first start in a container. The error
// says so: the bridge needs settings that only an admin knows.
func beginConfig(path string, connector bridgev2.NetworkConnector) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil // what is there is read, or said to be wrong
	}
	if err := writeExampleConfig(path, connector); err != nil {
		return err
	}
	return errors.New("edit at least homeserver.address, homeserver.domain and bridge.permissions there, make the registration for the homeserver with -g, " +
		"and start again")
}
