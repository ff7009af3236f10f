package config

import (
	"strings"
	"testing"
)

func TestSizesOfFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint64{"": 7, "0": 0, "0 MB": 0, "500 KB": 500_000, "20 MB": 20_000_000, "20mb": 20_000_000, "2 GB": 2_000_000_000} {
		if got, err := parseSize("send_below", text, 7); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"20", "-1 MB", "1.5 MB", "MB", "3 GB", "99999999999999999999 GB", "18446744073709551615 KB", "20 TB"} {
		if got, err := parseSize("send_below", text, 7); err == nil || !strings.HasPrefix(err.Error(), "network.files.send_below: ") {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
}
