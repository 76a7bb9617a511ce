// Package drivertest holds a driver to every promise of package drivers. One call runs the whole suite:
//
//	func TestDriver(t *testing.T) {
//		drivertest.Run(t, drivertest.Driver{Name: "mine", Start: start})
//	}
//
// Every machine of the suite runs behind a guard that watches the driver's calls: never two at once, nothing after
// Closed, unread bytes presented again unchanged, no presentation without news, and so on. See Guard; it can also be put
// around a machine of your own.
//
// Churn goes where no test was written for: it is the body of a fuzz target, whose input is a program of connections that come, go, stall,
// break off and block while the driver is stopped somewhere among them.
//
// The package also has two small complete protocols on the same seam, Echo and Line, to read and to start from.
//
// The environment variable PUREWIRE_DRIVERTEST=full runs the long versions (1,000,000 racing operations, 1000 runs of
// each half-close case); without it the suite takes well under a minute.
package drivertest
