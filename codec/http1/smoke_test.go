package http1

import "testing"

func TestSmoke(t *testing.T) {
	in := "GET /a?b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"q\"\r\nhello\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: y\r\n\r\n"
	for cut := 0; cut <= len(in); cut++ {
		var d Decoder
		var ev Event
		log := ""
		pos := 0
		for _, end := range []int{cut, len(in)} {
			for {
				n, err := d.Next([]byte(in[pos:end]), &ev)
				pos += n
				if err != nil {
					t.Fatal(cut, err)
				}
				if ev.Kind == None {
					break
				}
				switch ev.Kind {
				case Request:
					log += "R" + string(ev.Path) + "?" + string(ev.Query) + string(ev.Authority)
				case Body:
					log += string(ev.Data)
				case End:
					log += "E"
					for _, f := range ev.Fields {
						log += string(f.Name) + string(f.Value)
					}
					d.Resume()
				}
			}
		}
		if log != "R/a?bxhelloEXyR/?yE" || pos != len(in) {
			t.Fatal(cut, log, pos)
		}
	}
}
