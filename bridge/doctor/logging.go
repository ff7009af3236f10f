package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"go.mau.fi/zeroconfig"
)

// The formats and types of writers that there are on this system.
const (
	writerTypes   = "stdout, stderr, file, journald, syslog or syslog-cee"
	writerFormats = "json, pretty or pretty-colored"
)

// Logging checks where the log is to be written to. here is that the bridge runs in this directory, by which relative names
// go; otherwise nothing is known of those. The error is a sentence for the admin that begins with the setting at fault. Nothing is made.
func Logging(c zeroconfig.Config, here bool) error {
	for i, writer := range c.Writers {
		setting := fmt.Sprintf("logging.writers, number %d, ", i+1)
		switch writer.Type {
		case zeroconfig.WriterTypeStdout, zeroconfig.WriterTypeStderr, zeroconfig.WriterTypeJournald, zeroconfig.WriterTypeSyslog, zeroconfig.WriterTypeSyslogCEE:
		case zeroconfig.WriterTypeFile:
			if !here && !filepath.IsAbs(writer.Filename) {
				break
			}
			if err := mayLog(writer.Filename); err != nil {
				return fmt.Errorf("%sfilename: %w", setting, err)
			}
		default:
			return fmt.Errorf("%stype is %q: write %s", setting, writer.Type, writerTypes)
		}
		switch writer.Format {
		case "", zeroconfig.LogFormatJSON, zeroconfig.LogFormatPretty, zeroconfig.LogFormatPrettyColored:
		default:
			return fmt.Errorf("%sformat is %q: write %s", setting, writer.Format, writerFormats)
		}
	}
	return nil
}

// Logs says where the log is written to. Relative names go by the directory in which the bridge is started, which is not
// known: that of this process stands for it.
func Logs(c zeroconfig.Config) []Finding {
	f := findings{about: "logs"}
	for i, writer := range c.Writers {
		if writer.Type != zeroconfig.WriterTypeFile || writer.Filename == "" {
			continue
		}
		if filepath.IsAbs(writer.Filename) {
			f.fine("are written to %s", writer.Filename)
			continue
		}
		const relative = "logging.writers, number %d, filename: %s goes by the directory in which the bridge is started"
		whole, err := filepath.Abs(writer.Filename)
		if err == nil {
			err = mayLog(whole)
		}
		if err != nil {
			f.warn(relative+", and in this one it cannot be written (%v). Call the doctor in the bridge's directory, or write the whole path", i+1, writer.Filename, err)
			continue
		}
		f.fine(relative+": in this one that is %s", i+1, writer.Filename, whole)
	}
	return f.list
}

// LogPlaces are the directories of log files, as far as they are there. What is missing of a path is made by a start.
func LogPlaces(c zeroconfig.Config) (places []Place) {
	for _, writer := range c.Writers {
		if writer.Type != zeroconfig.WriterTypeFile || writer.Filename == "" {
			continue
		}
		whole, err := filepath.Abs(writer.Filename)
		if err != nil || mayLog(whole) != nil {
			continue // which Logs says
		}
		dir := filepath.Dir(whole)
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if _, err := os.Stat(dir); err == nil {
				break
			}
		}
		places = append(places, Place{What: "logs", Dir: dir})
	}
	return places
}

// mayLog reports why a log file cannot be written. Directories that are missing are made by a start.
func mayLog(file string) error {
	if file == "" {
		return nil // the writer takes one of its own
	}
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case err == nil && !info.IsDir():
			return fmt.Errorf("%s is no directory: name a file in one", dir)
		case err != nil, syscall.Access(dir, mayWrite) != nil:
			return fmt.Errorf("the user that the bridge runs as may not write to %s: give them the directory, or name a file in another one", dir)
		}
		return nil
	}
}
