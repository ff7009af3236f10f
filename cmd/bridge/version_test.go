package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsThatOfWhatWasBuilt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, modified string
		tag               string
	}{
		{"v1.2.3", "false", "v1.2.3"},
		{"v1.2.3", "true", "unknown"},
		{"v0.0.0-20261129223317-72fa138c7cb1", "false", "unknown"},
		{"v1.2.3+dirty", "true", "unknown"},
		{"(devel)", "false", "unknown"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: test.version}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "72fa138c"}, {Key: "vcs.time", Value: "2026-11-29T22:33:17Z"}, {Key: "vcs.modified", Value: test.modified},
		}}
		if tag, commit, time := built(info); tag != test.tag || commit != "72fa138c" || time != "2026-11-29T22:33:17Z" {
			t.Errorf("%s: built is %q, %q, %q", test.version, tag, commit, time)
		}
	}
	if tag, commit, time := built(new(debug.BuildInfo)); tag != unknown || commit != unknown || time != unknown {
		t.Errorf("of what has no repository there is %q, %q, %q", tag, commit, time)
	}
}
