// Package priority is what HTTP/2 and HTTP/3 share of RFC 9218: the Priority field, which is a Structured Field, and the order in which
// streams send.
package priority
