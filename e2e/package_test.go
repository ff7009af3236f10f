package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"maunium.net/go/mautrix/id"

	"matrix-msn/e2e/stack"
)

// sandbox is this machine as seen by who changes it, and by nobody else: what is written goes to a layer of its own.
type sandbox struct {
	*testing.T
	dir string
}

// enter runs a shell script in the sandbox, as root.
const enter = `set -e
mount -t overlay overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" "$1/root"
mount -t proc proc "$1/root/proc"
mount --bind /dev "$1/root/dev"
exec chroot "$1/root" /bin/sh -c "$2"`

func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the package is not installed: only root can do so. Run the tests as root, in a container for example")
	}
	for _, program := range []string{"dpkg", "dpkg-deb", "unshare", "setpriv", "systemd-sysusers"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the package is not installed: there is no %s here. Run the tests on Debian", program)
		}
	}
	s := &sandbox{T: t, dir: t.TempDir()}
	for _, layer := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(s.dir, layer), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := s.command(t.Context(), "true").CombinedOutput(); err != nil {
		t.Skipf("the package is not installed: mounting is not allowed here: %s", out)
	}
	return s
}

func (s *sandbox) command(ctx context.Context, script string) *exec.Cmd {
	return exec.CommandContext(ctx, "unshare", "--mount", "sh", "-c", enter, "enter", s.dir, script)
}

// run runs a script that has to succeed, and returns what it says.
func (s *sandbox) run(script string) string {
	s.Helper()
	out, err := s.command(s.Context(), script).CombinedOutput()
	if err != nil {
		s.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// path returns where a file is that was written in the sandbox.
func (s *sandbox) path(name string) string { return filepath.Join(s.dir, "upper", name) }

// packaged builds a Debian package in a directory.
func packaged(t *testing.T, dir, version string) (path string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./packaging", "-o", dir, "-version", version)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("package the bridge: %v\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(dir, "matrix-msn_"+version+"_*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("there are the packages %q, %v", found, err)
	}
	return found[0]
}

// The Debian package is installed, set up as it says itself, started as its service starts it, upgraded and purged.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	s := newSandbox(t)
	built := t.TempDir()
	if err := os.Chmod(built, 0o755); err != nil {
		t.Fatal(err)
	}
	first := packaged(t, built, "0.0.1")

	// What it depends on may not be here; that is of no matter for what is tried.
	const install = "dpkg --force-depends -i "
	said := s.run(install + first)
	if !strings.Contains(said, "edit /etc/matrix-msn/config.yaml") || !strings.Contains(said, "systemctl enable --now matrix-msn") {
		t.Errorf("after the installation it says\n%s", said)
	}
	for file, want := range map[string]string{
		"/etc/matrix-msn/config.yaml": "matrix-msn matrix-msn 600", "/etc/matrix-msn": "matrix-msn matrix-msn 755",
		"/var/lib/matrix-msn": "matrix-msn matrix-msn 700", "/usr/bin/matrix-msn": "root root 755",
	} {
		if got := strings.TrimSpace(s.run("stat -c '%U %G %a' " + file)); got != want {
			t.Errorf("%s is %s, not %s", file, got, want)
		}
	}
	if out, err := s.command(t.Context(), s.service("")).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("homeserver.address is still that of the example")) {
		t.Errorf("started without being edited: %v\n%s", err, out)
	}

	ports, err := stack.FreePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	config := s.path("/etc/matrix-msn/config.yaml")
	edit(t, config, map[string]string{
		"address: http://example.localhost:8008":     "address: " + address,
		"domain: example.com":                        "domain: " + stack.ServerName,
		`"example.com": user`:                        `"` + stack.ServerName + `": user`,
		"address: http://localhost:29363":            fmt.Sprintf("address: http://127.0.0.1:%d", ports[1]),
		"port: 29363":                                fmt.Sprintf("port: %d", ports[1]),
		"public_address: https://bridge.example.com": "public_address: null",
	})
	s.run("setpriv --reuid matrix-msn --regid matrix-msn --init-groups matrix-msn -g -c /etc/matrix-msn/config.yaml -r /etc/matrix-msn/registration.yaml")
	// Without a network it finds neither the homeserver nor services; the database and the log it finds from everywhere.
	said = s.run("cd / && unshare --net setpriv --reuid matrix-msn --regid matrix-msn --init-groups matrix-msn doctor -c /etc/matrix-msn/config.yaml -r /etc/matrix-msn/registration.yaml || true")
	for _, want := range []string{"SQLite, /var/lib/matrix-msn/matrix-msn.db is made by the first start", "are written to /var/lib/matrix-msn/logs/bridge.log"} {
		if !strings.Contains(said, want) {
			t.Errorf("the doctor says no %q but\n%s", want, said)
		}
	}
	server, err := stack.StartHomeserver(t.Context(), stack.HomeserverOptions{
		Kind: homeserver, Dir: filepath.Join(t.TempDir(), "homeserver"), Port: ports[0], Registrations: []string{s.path("/etc/matrix-msn/registration.yaml")},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()

	user, err := server.NewUser(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	ready := fmt.Sprintf("http://127.0.0.1:%d/_matrix/mau/ready", ports[1])
	stop := s.start(ready)
	bot := id.NewUserID("msnbot", stack.ServerName)
	chat, err := user.OpenChat(t.Context(), bot)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.Ask(t.Context(), chat, bot, "help", "login"); err != nil {
		t.Error(err)
	}
	stop()

	edited, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if said := s.run(install + packaged(t, built, "0.0.2")); strings.Contains(said, "edit /etc/matrix-msn") {
		t.Errorf("after the upgrade it says\n%s", said)
	}
	if now, err := os.ReadFile(config); err != nil || !bytes.Equal(now, edited) {
		t.Errorf("the upgrade has changed the config: %v", err)
	}
	stop = s.start(ready)
	if _, err := user.Ask(t.Context(), chat, bot, "help", "login"); err != nil { // in the room that it knows
		t.Error(err)
	}
	stop()

	s.run("dpkg --remove matrix-msn && test -e /etc/matrix-msn/config.yaml && test -e /var/lib/matrix-msn/matrix-msn.db && test ! -e /usr/bin/matrix-msn")
	s.run("dpkg --purge matrix-msn && test ! -e /etc/matrix-msn && test ! -e /var/lib/matrix-msn && test ! -e /lib/systemd/system/matrix-msn.service")
}

// In an image that holds nothing else the program runs as nobody, and its first start writes a config and says so.
func TestProgramInAnEmptyContainer(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("the program is not tried in an empty root: only root can do so. Run the tests as root, in a container for example")
	}
	root := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "run", "./packaging", "-o", root, "-binary-only")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	data := filepath.Join(root, "data")
	if err := errors.Join(os.Mkdir(data, 0o755), os.Chown(data, 65534, 65534), os.Chmod(root, 0o755)); err != nil {
		t.Fatal(err)
	}
	run := func(want int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "/matrix-msn", args...)
		cmd.Dir = "/data"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("%q ends with %d, %v\n%s", args, got, err, out)
		}
		return string(out)
	}
	if said := run(10); !strings.Contains(said, "Wrote an example config to config.yaml") || !strings.Contains(said, "make the registration") {
		t.Errorf("the first start says\n%s", said)
	}
	config := filepath.Join(data, "config.yaml")
	if info, err := os.Stat(config); err != nil || info.Mode() != 0o600 {
		t.Fatalf("the config: %v, %v", info, err)
	}
	edit(t, config, map[string]string{
		"address: http://example.localhost:8008": "address: http://127.0.0.1:1", "domain: example.com": "domain: " + stack.ServerName,
		"public_address: https://bridge.example.com": "public_address: null", `"example.com": user`: `"` + stack.ServerName + `": user`,
	})
	run(0, "-g")
	if said := run(1, "doctor"); !strings.Contains(said, "nothing listens at homeserver.address") || !strings.Contains(said, "ok    database") {
		t.Errorf("the doctor says\n%s", said)
	}
}

// edit replaces parts of a file, each of which stands there once.
func edit(t *testing.T, path string, replace map[string]string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for old, now := range replace {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q stands %d times in %s", old, strings.Count(text, old), path)
		}
		text = strings.Replace(text, old, now, 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// service is the script that starts the program as the unit of the package says, instead of the shell.
func (s *sandbox) service(redirect string) string {
	s.Helper()
	unit := s.run("cat /lib/systemd/system/matrix-msn.service")
	setting := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindStringSubmatch(unit)
		if found == nil {
			s.Fatalf("the unit has no %s", name)
		}
		return found[1]
	}
	return fmt.Sprintf("cd %s && exec setpriv --reuid %s --regid %s --init-groups %s %s",
		setting("WorkingDirectory"), setting("User"), setting("Group"), setting("ExecStart"), redirect)
}

// start starts the program and returns when it is ready. stop ends it, as systemd does.
func (s *sandbox) start(ready string) (stop func()) {
	s.Helper()
	cmd := s.command(context.WithoutCancel(s.Context()), s.service(""))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get(ready); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case err := <-ended:
			s.Fatalf("the program has ended: %v\n%s", err, &said)
		case <-ctx.Done():
			err := errors.Join(cmd.Process.Kill(), <-ended)
			s.Fatalf("the program was not ready in time: %v\n%s", err, &said)
		case <-tick.C:
		}
	}
	return func() {
		s.Helper()
		err := cmd.Process.Signal(syscall.SIGTERM)
		if err = errors.Join(err, <-ended); err != nil {
			s.Errorf("the program ends with %v\n%s", err, &said)
		}
	}
}
