package msn

// backlog holds the events that nobody has read yet, in order.
type backlog struct {
	events []Event
	bytes  int
}

func (b *backlog) add(e Event) {
	b.events = append(b.events, e)
	b.bytes += weight(e)
}

// full reports whether the Client has to stop reading from the server.
func (b *backlog) full() bool {
	return len(b.events) >= MaxBacklog || b.bytes >= maxBacklogBytes
}

func (b *backlog) empty() bool { return len(b.events) == 0 }

func (b *backlog) first() Event { return b.events[0] }

func (b *backlog) drop() {
	b.bytes -= weight(b.events[0])
	b.events[0] = nil
	b.events = b.events[1:]
	if len(b.events) == 0 {
		b.events = nil
	}
}

// weight is about how many bytes an event keeps in memory.
func weight(e Event) int {
	const base = 256
	switch e := e.(type) {
	case TextReceived:
		return base + len(e.Text) + len(e.Format)
	case OtherReceived:
		return base + len(e.Message.Header) + len(e.Message.Body)
	case ServerMessage:
		return base + len(e.Message.Header) + len(e.Message.Body)
	case AlertReceived:
		size := base + len(e.Notification.Raw) + len(e.Notification.SiteURL)
		for _, m := range e.Notification.Messages {
			size += base + len(m.ActionURL) + len(m.SubscribeURL) + len(m.IconURL) + len(m.Text) + len(m.TextX)
		}
		return size
	case DataReceived:
		size := base
		for name, value := range e.Data {
			size += base + len(name) + len(value)
		}
		return size
	case CirclesChanged:
		size := base
		for _, circle := range e.Circles {
			size += base + len(circle.Name) + 16*len(circle.Present)
			for _, m := range circle.Members {
				size += 48 + len(m.Name)
			}
		}
		return size
	case PageReceived:
		return base + len(e.Text)
	case MailCounted:
		return base + len(e.URL.Redirect) + len(e.URL.Post)
	case MailReceived:
		return base + len(e.From) + len(e.Subject) + len(e.URL.Redirect) + len(e.URL.Post)
	case SystemMessage:
		size := base
		for _, arg := range e.Args {
			size += len(arg)
		}
		return size
	}
	return base
}
