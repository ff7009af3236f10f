// Package childprocess ends programs in order: those that a program starts, and with them those that they start.
package childprocess
