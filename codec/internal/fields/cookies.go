package fields

import "github.com/purewire/purewire/codec"

// JoinCookies makes one cookie field of several. RFC 9113 section 8.2.3-2: if there are multiple Cookie header fields after
// decompression, these MUST be concatenated into a single octet string using "; " before being passed into a non-HTTP/2
// context, such as a generic HTTP server application.
//
// The joined value is appended to scratch and takes the place of the first cookie field; the others are removed from the list,
// which is changed in place. r is the list's Result. A field that was Sensitive makes the joined one Sensitive. A list with fewer than two
// cookie fields is returned as it is.
func JoinCookies(list []codec.Field, r *Result, scratch []byte) (joined []codec.Field, grown []byte) {
	if r.Cookies < 2 {
		return list, scratch
	}
	start, first, kept := len(scratch), -1, 0
	for i := range list {
		if special(list[i].Name) == cookie {
			if first >= 0 {
				scratch = append(append(scratch, "; "...), list[i].Value...)
				list[first].Sensitive = list[first].Sensitive || list[i].Sensitive
				continue
			}
			first = kept
			scratch = append(scratch, list[i].Value...)
		}
		list[kept] = list[i]
		kept++
	}
	list[first].Value = scratch[start:len(scratch):len(scratch)]
	clear(list[kept:])
	return list[:kept], scratch
}
