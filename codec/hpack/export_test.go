package hpack

// AlwaysHuffman makes e encode every string with the Huffman code, as the encoder of RFC 7541 appendix C does.
func (e *Encoder) AlwaysHuffman() { e.huffman = huffmanAlways }
