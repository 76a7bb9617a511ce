//go:build amd64 && !purego

package text

// assembly is Check with the kernel that it does not choose here, if there is one.
var assembly = func() map[string]func(p []byte, s State) (int, State) {
	if !hasAVX512 {
		return nil
	}
	return map[string]func(p []byte, s State) (int, State){"AVX2": func(p []byte, s State) (int, State) {
		hasAVX512, short = false, 32
		defer func() { hasAVX512, short = true, shortest() }()
		return Check(p, s)
	}}
}()
