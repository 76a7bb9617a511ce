package websocket

import "github.com/purewire/purewire/codec/ws"

var deflatePool ws.Pool
