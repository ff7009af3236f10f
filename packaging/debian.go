package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // what packages it
	"github.com/goreleaser/nfpm/v2/files"
)

// writeDebian packages a program under a version, with its service, its user and its documents. It returns the path of the package.
func writeDebian(dir, binary string, v version, named string) (string, error) {
	const sources = "packaging/debian/"
	built := v.BuildTime
	if built.IsZero() {
		built = time.Unix(0, 0) // the same source gives the same package
	}
	contents := files.Contents{
		{Source: binary, Destination: "/usr/bin/matrix-msn", FileInfo: &files.ContentFileInfo{Mode: 0o755}},
		{Source: sources + "matrix-msn.service", Destination: "/lib/systemd/system/matrix-msn.service", FileInfo: &files.ContentFileInfo{Mode: 0o644}},
		{Source: sources + "sysusers.conf", Destination: "/usr/lib/sysusers.d/matrix-msn.conf", FileInfo: &files.ContentFileInfo{Mode: 0o644}},
		{Source: "example-config.yaml", Destination: documents + "example-config.yaml", FileInfo: &files.ContentFileInfo{Mode: 0o644}},
		{Source: "LICENSE", Destination: documents + "copyright", FileInfo: &files.ContentFileInfo{Mode: 0o644}},
	}
	pages, err := documentation(".")
	if err != nil {
		return "", err
	}
	for _, page := range pages {
		contents = append(contents, &files.Content{Source: page, Destination: documents + page, FileInfo: &files.ContentFileInfo{Mode: 0o644}})
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name:            "matrix-msn",
		Arch:            v.Arch,
		Platform:        v.OS,
		Version:         named,
		VersionSchema:   "none",
		Section:         "net",
		Priority:        "optional",
		Maintainer:      "The matrix-msn authors <packages@matrix-msn.invalid>",
		Description:     "Bridge between Matrix and MSN Messenger\nPeople sign in to their own MSN account from a Matrix client, and talk to\ntheir friends there: contacts appear as Matrix users, conversations as rooms.",
		Homepage:        "https://github.com/matrix-msn/matrix-msn",
		License:         "Apache-2.0",
		MTime:           built,
		DisableGlobbing: true,
		Overridables: nfpm.Overridables{
			Depends:    []string{"ca-certificates", "systemd"},
			Recommends: []string{"ffmpeg"},
			Contents:   contents,
			Scripts:    nfpm.Scripts{PostInstall: sources + "postinst", PreRemove: sources + "prerm", PostRemove: sources + "postrm"},
		},
	})
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return "", fmt.Errorf("package the bridge: %w", err)
	}
	deb, err := nfpm.Get("deb")
	if err != nil {
		return "", fmt.Errorf("package the bridge: %w", err)
	}
	path := filepath.Join(dir, deb.ConventionalFileName(info))
	file, err := os.Create(path)
	if err != nil {
		return "", fmt.Errorf("write the package: %w", err)
	}
	if err := deb.Package(info, file); err != nil {
		file.Close()
		os.Remove(path) // it is none
		return "", fmt.Errorf("package the bridge: %w", err)
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("write the package: %w", err)
	}
	return path, nil
}

// documents is where a Debian package has what people read.
const documents = "/usr/share/doc/matrix-msn/"

// documentation returns what people read of the source in a directory, by its path there: in the package it lies as in the
// source, so that its links lead somewhere.
func documentation(source string) ([]string, error) {
	pages := []string{"README.md", "CHANGELOG.md", "compose.yaml", "packaging/debian/matrix-msn.service"}
	err := fs.WalkDir(os.DirFS(source), "docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			pages = append(pages, path)
		}
		return err
	})
	return pages, err
}
