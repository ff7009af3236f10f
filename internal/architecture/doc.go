// Package architecture keeps the rules of docs/architecture.md: its tests know who may
// import whom.
package architecture
