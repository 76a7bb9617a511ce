package qpack

// DecodeCount is decodeCount, with its reason spelled out.
func DecodeCount(encoded, maxEntries, inserted uint64) (uint64, string) {
	v, r := decodeCount(encoded, maxEntries, inserted)
	return v, reasons[r]
}

// EncodeCount is encodeCount.
func EncodeCount(required, maxEntries uint64) uint64 { return encodeCount(required, maxEntries) }

// StaticTable returns the static table.
func StaticTable() (pairs [][2]string) {
	for _, e := range staticText {
		pairs = append(pairs, [2]string{e.name, e.value})
	}
	return pairs
}
