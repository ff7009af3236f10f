package bridge

import (
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/bridgev2"
	"maunium.net/go/mautrix/event"

	"matrix-msn/bridge/msnid"
)

var (
	_ bridgev2.PortalBridgeInfoFillingNetwork         = (*Connector)(nil)
	_ bridgev2.PersonalFilteringCustomizingNetworkAPI = (*Client)(nil)
)

// FillPortalBridgeInfo has what a room says about the bridge name service and account: people can have the
// same contact by two of them.
func (c *Connector) FillPortalBridgeInfo(portal *bridgev2.Portal, content *event.BridgeEventContent) {
	identity, ok := msnid.ParseLoginID(portal.Receiver)
	if !ok {
		return
	}
	content.Network = &event.BridgeInfoSection{
		ID:          string(portal.Receiver),
		DisplayName: identity.Account + " at " + c.Config.ServiceOrUnknown(identity.Service).Name,
		AvatarURL:   content.Protocol.AvatarURL,
	}
}

// CustomizePersonalFilteringSpace names the space of the login after service and account. The framework
// names it after the address alone, which can be the same at two services.
func (c *Client) CustomizePersonalFilteringSpace(req *mautrix.ReqCreateRoom) {
	req.Name, req.Topic = c.spaces.Named()
	c.spaces.Made()
	for _, state := range req.InitialState {
		if info, ok := state.Content.Parsed.(*event.BridgeEventContent); ok {
			info.Network = &event.BridgeInfoSection{ID: string(c.account.Login.ID), DisplayName: c.account.AtService(), AvatarURL: info.Protocol.AvatarURL}
		}
	}
}
