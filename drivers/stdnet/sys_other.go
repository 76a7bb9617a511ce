//go:build !unix

package stdnet

import "errors"

// Here every connection takes the path of a plain net.Conn.
const rawIO = false

func sysRead(uintptr, []byte) (int, error)          { return 0, errors.ErrUnsupported }
func sysWrite(uintptr, []byte, []byte) (int, error) { return 0, errors.ErrUnsupported }
