// Package verdict is a library of inputs on which implementations of a protocol have disagreed, many of them the shape of a known
// vulnerability, and the verdicts of this module's codecs on them. Module interop asks other implementations the same.
//
// A Verdict says what one implementation makes of one string of bytes: whether it accepts, refuses or waits for more, and the
// messages that came out whole, in a form that can be compared. Compare tells in which way two differ; the gravest is another
// boundary, which between two hops of one connection is request smuggling.
//
// A Case is an input with the paragraph of the RFC that decides and who is right. The cases stand in the text files beside this
// one; their format is in the README.
package verdict
