package stream

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What RFC 9000 says, row by row; every pair that has no row must not happen. "p" in front of a paragraph is the rule that forbids or allows.
var sendRows = []struct {
	from  SendState
	event SendEvent
	to    SendState
	para  string
}{
	{SendReady, SentData, SendSend, "3.1-4: sending the first STREAM frame"},
	{SendReady, SentBlocked, SendSend, "3.1-4: or STREAM_DATA_BLOCKED"},
	{SendReady, SentFin, SendDataSent, "3-4: a FIN can cause two transitions"},
	{SendReady, SentReset, SendResetSent, "3.1-9: from any state that is one of Ready, Send, Data Sent"},
	{SendReady, GotStopSending, SendResetSent, "3.1-9, 3.5-4: MUST send a RESET_STREAM"},
	{SendReady, GotMaxStreamData, SendReady, "3.2-5: credit for a stream that has sent nothing"},
	{SendSend, SentData, SendSend, "3.1-6: transmits, and retransmits"},
	{SendSend, SentBlocked, SendSend, "3.1-6: generates STREAM_DATA_BLOCKED frames"},
	{SendSend, SentFin, SendDataSent, "3.1-7: a STREAM frame containing the FIN bit is sent"},
	{SendSend, SentReset, SendResetSent, "3.1-9"},
	{SendSend, GotStopSending, SendResetSent, "3.1-9, 3.5-4"},
	{SendSend, GotMaxStreamData, SendSend, "3.1-6: continues to accept MAX_STREAM_DATA"},
	{SendDataSent, SentData, SendDataSent, "3.1-7: only retransmits stream data"},
	{SendDataSent, SentFin, SendDataSent, "3.1-7: the FIN is retransmitted as well"},
	{SendDataSent, AckedAll, SendDataRecvd, "3.1-8: all stream data acknowledged"},
	{SendDataSent, SentReset, SendResetSent, "3.1-9"},
	{SendDataSent, GotStopSending, SendResetSent, "3.1-9; 3.5-4 would allow to defer it"},
	{SendDataSent, GotMaxStreamData, SendDataSent, "3.1-7: can safely ignore"},
	{SendDataRecvd, GotStopSending, SendDataRecvd, "3.3-4: a sender could receive either in any state"},
	{SendDataRecvd, GotMaxStreamData, SendDataRecvd, "3.3-4"},
	{SendDataRecvd, AckedAll, SendDataRecvd, "another packet with the same data is acknowledged"},
	{SendResetSent, SentReset, SendResetSent, "13.3-3.4: sent until acknowledged"},
	{SendResetSent, AckedReset, SendResetRecvd, "3.1-11: RESET_STREAM has been acknowledged"},
	{SendResetSent, AckedAll, SendResetSent, "data acknowledged behind the reset"},
	{SendResetSent, GotStopSending, SendResetSent, "3.3-4"},
	{SendResetSent, GotMaxStreamData, SendResetSent, "3.3-4"},
	{SendResetRecvd, GotStopSending, SendResetRecvd, "3.3-4"},
	{SendResetRecvd, GotMaxStreamData, SendResetRecvd, "3.3-4"},
	{SendResetRecvd, AckedAll, SendResetRecvd, "data acknowledged behind the reset"},
	{SendResetRecvd, AckedReset, SendResetRecvd, "another packet with it is acknowledged"},
}

// 9000-3.3-2: "A sender MUST NOT send any of these frames from a terminal state ('Data Recvd' or 'Reset Recvd'). A sender MUST NOT send a STREAM or
// STREAM_DATA_BLOCKED frame for a stream in the 'Reset Sent' state or any terminal state".
func TestSendStates(t *testing.T) {
	type pair struct {
		s SendState
		e SendEvent
	}
	rows := map[pair]SendState{}
	for _, r := range sendRows {
		rows[pair{r.from, r.event}] = r.to
	}
	require.Len(t, rows, len(sendRows), "a row twice")
	for s := SendState(0); s < numSendStates+2; s++ {
		for e := SendEvent(0); e < numSendEvents+2; e++ {
			got, fine := s.After(e)
			want, there := rows[pair{s, e}]
			if !there {
				want = s
			}
			if got != want || fine != there {
				t.Errorf("%v, event %d: %v %t, not %v %t", s, e, got, fine, want, there)
			}
			if s.Terminal() && got != s {
				t.Errorf("%v is terminal and left", s)
			}
		}
	}
}

var recvRows = []struct {
	from  RecvState
	event RecvEvent
	to    RecvState
	para  string
}{
	{RecvRecv, GotData, RecvRecv, "3.2-7: receives STREAM"},
	{RecvRecv, GotBlocked, RecvRecv, "3.2-7: and STREAM_DATA_BLOCKED"},
	{RecvRecv, GotFin, RecvSizeKnown, "3.2-8"},
	{RecvRecv, GotReset, RecvResetRecvd, "3.2-11"},
	{RecvRecv, SentMaxStreamData, RecvRecv, "3.2-7, 3.3-4: only in Recv"},
	{RecvRecv, SentStopSending, RecvRecv, "19.5-2: Recv or Size Known"},
	{RecvSizeKnown, GotData, RecvSizeKnown, "3.2-8: retransmissions"},
	{RecvSizeKnown, GotFin, RecvSizeKnown, "3.2-8: retransmissions"},
	{RecvSizeKnown, GotBlocked, RecvSizeKnown, "3.3-2: any of these in any state"},
	{RecvSizeKnown, GotReset, RecvResetRecvd, "3.2-11"},
	{RecvSizeKnown, GotAll, RecvDataRecvd, "3.2-9"},
	{RecvSizeKnown, SentStopSending, RecvSizeKnown, "19.5-2"},
	{RecvDataRecvd, GotData, RecvDataRecvd, "3.2-9: can be discarded"},
	{RecvDataRecvd, GotFin, RecvDataRecvd, "3.2-9"},
	{RecvDataRecvd, GotBlocked, RecvDataRecvd, "3.2-9"},
	{RecvDataRecvd, GotReset, RecvDataRecvd, "3.2-12: suppressed"},
	{RecvDataRecvd, GotAll, RecvDataRecvd, "still"},
	{RecvDataRecvd, ReadAll, RecvDataRead, "3.2-10"},
	{RecvDataRead, GotData, RecvDataRead, "3.3-2"},
	{RecvDataRead, GotFin, RecvDataRead, "3.3-2"},
	{RecvDataRead, GotBlocked, RecvDataRead, "3.3-2"},
	{RecvDataRead, GotReset, RecvDataRead, "3.3-2"},
	{RecvResetRecvd, GotData, RecvResetRecvd, "3.2-12: possible for remaining data to arrive"},
	{RecvResetRecvd, GotFin, RecvResetRecvd, "3.2-12"},
	{RecvResetRecvd, GotBlocked, RecvResetRecvd, "3.3-2"},
	{RecvResetRecvd, GotReset, RecvResetRecvd, "3.3-2"},
	{RecvResetRecvd, ReadReset, RecvResetRead, "3.2-14"},
	{RecvResetRead, GotData, RecvResetRead, "3.3-2"},
	{RecvResetRead, GotFin, RecvResetRead, "3.3-2"},
	{RecvResetRead, GotBlocked, RecvResetRead, "3.3-2"},
	{RecvResetRead, GotReset, RecvResetRead, "3.3-2"},
}

// 9000-3.3-4: "The receiver only sends MAX_STREAM_DATA frames in the 'Recv' state."
func TestRecvStates(t *testing.T) {
	type pair struct {
		s RecvState
		e RecvEvent
	}
	rows := map[pair]RecvState{}
	for _, r := range recvRows {
		rows[pair{r.from, r.event}] = r.to
	}
	require.Len(t, rows, len(recvRows), "a row twice")
	for s := RecvState(0); s < numRecvStates+2; s++ {
		for e := RecvEvent(0); e < numRecvEvents+2; e++ {
			got, fine := s.After(e)
			want, there := rows[pair{s, e}]
			if !there {
				want = s
			}
			if got != want || fine != there {
				t.Errorf("%v, event %d: %v %t, not %v %t", s, e, got, fine, want, there)
			}
			if s.Terminal() && got != s {
				t.Errorf("%v is terminal and left", s)
			}
		}
	}
}

func TestStateNames(t *testing.T) {
	var all []string
	for s := SendState(0); s <= numSendStates; s++ {
		all = append(all, s.String())
	}
	for s := RecvState(0); s <= numRecvStates; s++ {
		all = append(all, s.String())
	}
	require.Equal(t, "Ready,Send,Data Sent,Data Recvd,Reset Sent,Reset Recvd,unknown,"+
		"Recv,Size Known,Data Recvd,Data Read,Reset Recvd,Reset Read,unknown", strings.Join(all, ","))
}
