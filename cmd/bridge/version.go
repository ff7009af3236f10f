package main

import (
	"cmp"
	"regexp"
	"runtime/debug"
)

// Set when a release is built without its repository: -ldflags "-X main.Tag=... -X main.Commit=... -X main.BuildTime=...".
// What is empty is what Go has noted while it built the program.
var Tag, Commit, BuildTime string

// version is that of the next release: it is raised right after one.
const version = "0.1.0"

// unknown is what the framework takes for nothing.
const unknown = "unknown"

// release matches the versions that Go notes for what is built at a tag: others say more.
var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// built returns the tag, the commit and the time of what was built.
func built(info *debug.BuildInfo) (tag, commit, time string) {
	var modified bool
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			commit = setting.Value
		case "vcs.time":
			time = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if release.MatchString(info.Main.Version) && !modified {
		tag = info.Main.Version
	}
	return cmp.Or(Tag, tag, unknown), cmp.Or(Commit, commit, unknown), cmp.Or(BuildTime, time, unknown)
}
