package roster

import "math"

// packed is a Contact as a Book keeps it, of which there are many thousand that have hardly anything to be said of them: what few have
// is apart.
type packed struct {
	name, told, guid, personal string

	status       Status
	rare         *rare // nil while there is nothing of it
	capabilities uint32
	network      uint16
	lists        List
}

// rare is what few contacts have.
type rare struct {
	nick, request, object, media string
	groups                       []string
	properties                   map[string]string
	extended                     uint32
}

func pack(c *Contact) packed {
	p := packed{
		name: c.Name, told: c.Told, guid: c.GUID, personal: c.Personal, status: c.Status,
		capabilities: c.Capabilities, lists: c.Lists,
	}
	if c.Network > 0 && c.Network <= math.MaxUint16 { // there are no others
		p.network = uint16(c.Network)
	}
	if c.Nick != "" || c.Request != "" || c.Object != "" || c.Media != "" || len(c.Groups) > 0 || len(c.Properties) > 0 || c.Extended != 0 {
		p.rare = &rare{
			nick: c.Nick, request: c.Request, object: c.Object, media: c.Media, groups: c.Groups, properties: c.Properties, extended: c.Extended,
		}
	}
	return p
}

func (p *packed) contact(account string) Contact {
	c := Contact{
		Account: account, Name: p.name, Told: p.told, GUID: p.guid, Personal: p.personal, Status: p.status,
		Capabilities: p.capabilities, Lists: p.lists, Network: int(p.network),
	}
	if r := p.rare; r != nil {
		c.Nick, c.Request, c.Object, c.Media, c.Groups, c.Properties, c.Extended = r.nick, r.request, r.object, r.media, r.groups, r.properties, r.extended
	}
	return c
}
