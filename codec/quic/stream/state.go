package stream

// SendState is the state of the sending part of a stream (RFC 9000 section 3.1).
type SendState uint8

// The states of RFC 9000 figure 2. The zero SendState is Ready.
const (
	SendReady SendState = iota
	SendSend
	SendDataSent
	SendDataRecvd // terminal
	SendResetSent
	SendResetRecvd // terminal
	numSendStates
)

var sendStateNames = [numSendStates]string{"Ready", "Send", "Data Sent", "Data Recvd", "Reset Sent", "Reset Recvd"}

// String returns the name in the RFC.
func (s SendState) String() string {
	if s >= numSendStates {
		return "unknown"
	}
	return sendStateNames[s]
}

// Terminal tells whether the sending part is over.
func (s SendState) Terminal() bool { return s == SendDataRecvd || s == SendResetRecvd }

// SendEvent is what happens to the sending part of a stream.
type SendEvent uint8

// The events: frames that we send, acknowledgments, and frames that the peer sends.
const (
	// SentData is a STREAM frame without FIN, SentFin one with it, SentBlocked a STREAM_DATA_BLOCKED, SentReset a RESET_STREAM frame.
	SentData SendEvent = iota
	SentFin
	SentBlocked
	SentReset
	// AckedAll says that all data and the FIN are acknowledged, AckedReset that RESET_STREAM is.
	AckedAll
	AckedReset
	// GotStopSending and GotMaxStreamData are frames of the peer.
	GotStopSending
	GotMaxStreamData
	numSendEvents
)

const no = 0xff // the event must not happen in the state

// sendTable is RFC 9000 section 3.1 and the rules of section 3.3. The Data Sent state allows STREAM frames as retransmissions.
var sendTable = [numSendStates][numSendEvents]SendState{
	SendReady:      {SendSend, SendDataSent, SendSend, SendResetSent, no, no, SendResetSent, SendReady},
	SendSend:       {SendSend, SendDataSent, SendSend, SendResetSent, no, no, SendResetSent, SendSend},
	SendDataSent:   {SendDataSent, SendDataSent, no, SendResetSent, SendDataRecvd, no, SendResetSent, SendDataSent},
	SendDataRecvd:  {no, no, no, no, SendDataRecvd, no, SendDataRecvd, SendDataRecvd},
	SendResetSent:  {no, no, no, SendResetSent, SendResetSent, SendResetRecvd, SendResetSent, SendResetSent},
	SendResetRecvd: {no, no, no, no, SendResetRecvd, SendResetRecvd, SendResetRecvd, SendResetRecvd},
}

// After returns the state after e. ok is false, and the state the same, for what must not happen: frames that must not be sent (9000-3.3-2), and
// acknowledgments of what was not sent.
func (s SendState) After(e SendEvent) (next SendState, ok bool) {
	if s >= numSendStates || e >= numSendEvents || sendTable[s][e] == no {
		return s, false
	}
	return sendTable[s][e], true
}

// RecvState is the state of the receiving part of a stream (RFC 9000 section 3.2).
type RecvState uint8

// The states of RFC 9000 figure 3. The zero RecvState is Recv.
const (
	RecvRecv RecvState = iota
	RecvSizeKnown
	RecvDataRecvd
	RecvDataRead // terminal
	RecvResetRecvd
	RecvResetRead // terminal
	numRecvStates
)

var recvStateNames = [numRecvStates]string{"Recv", "Size Known", "Data Recvd", "Data Read", "Reset Recvd", "Reset Read"}

// String returns the name in the RFC.
func (s RecvState) String() string {
	if s >= numRecvStates {
		return "unknown"
	}
	return recvStateNames[s]
}

// Terminal tells whether the receiving part is over.
func (s RecvState) Terminal() bool { return s == RecvDataRead || s == RecvResetRead }

// RecvEvent is what happens to the receiving part of a stream.
type RecvEvent uint8

// The events: frames of the peer, what the application does, and frames that we send.
const (
	// GotData is a STREAM frame that does not tell the final size, GotFin one that does; GotBlocked is STREAM_DATA_BLOCKED, GotReset RESET_STREAM.
	GotData RecvEvent = iota
	GotFin
	GotBlocked
	GotReset
	// GotAll says that all data up to the final size is there, ReadAll that the application has it all, ReadReset that it knows of the reset.
	GotAll
	ReadAll
	ReadReset
	// SentMaxStreamData and SentStopSending are frames of ours.
	SentMaxStreamData
	SentStopSending
	numRecvEvents
)

// recvTable is RFC 9000 section 3.2 and the rules of section 3.3. A RESET_STREAM behind all data is suppressed (9000-3.2-12).
var recvTable = [numRecvStates][numRecvEvents]RecvState{
	RecvRecv:       {RecvRecv, RecvSizeKnown, RecvRecv, RecvResetRecvd, no, no, no, RecvRecv, RecvRecv},
	RecvSizeKnown:  {RecvSizeKnown, RecvSizeKnown, RecvSizeKnown, RecvResetRecvd, RecvDataRecvd, no, no, no, RecvSizeKnown},
	RecvDataRecvd:  {RecvDataRecvd, RecvDataRecvd, RecvDataRecvd, RecvDataRecvd, RecvDataRecvd, RecvDataRead, no, no, no},
	RecvDataRead:   {RecvDataRead, RecvDataRead, RecvDataRead, RecvDataRead, no, no, no, no, no},
	RecvResetRecvd: {RecvResetRecvd, RecvResetRecvd, RecvResetRecvd, RecvResetRecvd, no, no, RecvResetRead, no, no},
	RecvResetRead:  {RecvResetRead, RecvResetRead, RecvResetRead, RecvResetRead, no, no, no, no, no},
}

// After returns the state after e. ok is false, and the state the same, for what must not happen: frames that must not or need not be sent (9000-3.3-4)
// and what the application cannot do yet. Frames of the peer are possible in every state.
func (s RecvState) After(e RecvEvent) (next RecvState, ok bool) {
	if s >= numRecvStates || e >= numRecvEvents || recvTable[s][e] == no {
		return s, false
	}
	return recvTable[s][e], true
}
