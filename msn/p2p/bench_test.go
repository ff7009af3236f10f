package p2p

import (
	"testing"

	"matrix-msn/msn/slp"
)

// zeros is a Source without an end, and a Sink that keeps nothing.
type zeros struct{ ended bool }

func (*zeros) Read(b []byte) (int, error)       { return len(b), nil }
func (*zeros) Write(string) (_ <-chan struct{}) { return nil }
func (z *zeros) Close(error)                    { z.ended = true }

// BenchmarkFile is a file of 20 MB from one Stack to another. An operation is a packet.
func BenchmarkFile(b *testing.B) {
	for name, later := range map[string]bool{"version1": false, "version2": true} {
		b.Run(name, func(b *testing.B) {
			const size = 20 << 20
			b.ReportAllocs()
			b.SetBytes(int64(slp.MaxData))
			var alice, bob *side
			var to *zeros
			begin := func() {
				alice, bob = pair(later)
				alice.Send(slp.FileInfo{Name: "a", Size: size}, new(zeros), nil)
				run(b, alice, bob)
				to = new(zeros)
				bob.offers[0].Accept(to, nil)
			}
			begin()
			var buffer []byte
			for b.Loop() {
				if packet, ok := bob.Next(buffer[:0]); ok {
					alice.Receive(string(packet))
				}
				packet, ok := alice.Next(buffer[:0])
				if !ok {
					if !to.ended {
						b.Fatal("the file does not go on")
					}
					b.StopTimer()
					begin()
					b.StartTimer()
					continue
				}
				buffer = packet
				bob.Receive(string(packet))
			}
		})
	}
}
