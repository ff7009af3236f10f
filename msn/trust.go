package msn

// Trust says which hosts a server may send its clients to by XFR, RNG and HTTP
// redirects. The host of Config.Server and of Config.NexusURL and everything in
// their registered domains is trusted at the ports 80, 443 and 1863 to 1865 and
// at the configured port, if its addresses are public.
type Trust struct {
	// Hosts are further trusted names; one that begins with a dot covers all
	// below it. An entry may name a port: "sb.example.com:1900".
	Hosts []string
	// AllowPrivate lets trusted names have loopback and private addresses and
	// lifts the limit on ports, for servers in the operator's own network.
	AllowPrivate bool
}
