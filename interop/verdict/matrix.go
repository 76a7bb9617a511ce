package verdict

import (
	"fmt"
	"runtime"
	"sync"

	core "github.com/purewire/purewire/corpus/verdict"
)

// Matrix asks everybody about every case. Cases are asked side by side, since some peers sleep before they close.
func Matrix(cases []*core.Case) []core.Row {
	rows := make([]core.Row, len(cases))
	var wg sync.WaitGroup
	gate := make(chan struct{}, 4*runtime.GOMAXPROCS(0))
	for i, c := range cases {
		wg.Add(1)
		gate <- struct{}{}
		go func() {
			defer wg.Done()
			rows[i] = core.Row{Case: c, Judged: core.Judge(&c.Input, All())}
			<-gate
		}()
	}
	wg.Wait()
	return rows
}

// guarded makes no verdict of a panic.
func guarded(o core.Oracle) core.Oracle {
	judge := o.Judge
	o.Judge = func(in *core.Input) (v core.Verdict) {
		defer func() {
			if r := recover(); r != nil {
				v = core.Verdict{Reason: fmt.Sprintf("panic: %v", r), Left: -1}
			}
		}()
		return judge(in)
	}
	return o
}
