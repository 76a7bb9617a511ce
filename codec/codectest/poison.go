package codectest

import (
	"fmt"
	"reflect"
	"unsafe"
)

// poisonLen is the length of the junk that Poison puts in place of byte slices.
const poisonLen = 23

// poisoned holds the junk slices, one for each value, so that they can be told from slices that a codec has set.
var poisoned = func() (p [256][poisonLen]byte) {
	for i := range p {
		for j := range p[i] {
			p[i][j] = byte(i)
		}
	}
	return p
}()

// Poison fills the struct that ev points to with junk made of b, which is not 0: a codec must set every field that its
// event table names for a kind, whatever was there before. Byte slices point to junk; other slices keep their array,
// are as long as it allows and hold junk; pointers, interfaces and unexported fields stay as they are.
func Poison(ev any, b byte) {
	v := reflect.ValueOf(ev)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		poison(v.Elem(), b)
	}
}

func poison(v reflect.Value, b byte) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(b&1 == 1)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		n := int64(b) * 0x0101010101010101
		v.SetInt(n >> (64 - 8*v.Type().Size()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint, reflect.Uintptr:
		n := uint64(b) * 0x0101010101010101
		v.SetUint(n >> (64 - 8*v.Type().Size()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(b) + 0.5)
	case reflect.String:
		v.SetString(string(poisoned[b][:]))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(poisoned[b][:])
			return
		}
		v.SetLen(v.Cap())
		for i := range v.Len() {
			poison(v.Index(i), b)
		}
	case reflect.Array:
		for i := range v.Len() {
			poison(v.Index(i), b)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i), b)
		}
	}
}

// lentOutside looks for byte slices in the event that neither lie inside consumed nor are junk of Poison. It names the
// first one, "" for none.
func lentOutside(ev any, consumed []byte) string {
	v := reflect.ValueOf(ev)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return "Event did not return a pointer"
	}
	bad := ""
	eachBytes(v.Elem(), v.Elem().Type().Name(), func(name string, b []byte) bool {
		if !within(b, consumed) && !withinPoison(b) {
			bad = fmt.Sprintf("%s (%s) lies outside the %d bytes that this call consumed", name, clip(Quote(b), 60), len(consumed))
		}
		return bad == ""
	})
	return bad
}

// eachBytes visits the byte slices that are not empty, in exported fields.
func eachBytes(v reflect.Value, name string, visit func(name string, b []byte) bool) bool {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len() == 0 || visit(name, v.Bytes())
		}
		fallthrough
	case reflect.Array:
		if k := v.Type().Elem().Kind(); k != reflect.Struct && k != reflect.Slice && k != reflect.Array {
			return true
		}
		for i := range v.Len() {
			if !eachBytes(v.Index(i), fmt.Sprintf("%s[%d]", name, i), visit) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.IsExported() && !eachBytes(v.Field(i), name+"."+f.Name, visit) {
				return false
			}
		}
	}
	return true
}

// within reports whether b lies inside of the array part of outer that is visible.
func within(b, outer []byte) bool {
	if len(outer) == 0 {
		return false
	}
	p, q := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.SliceData(outer)))
	return p >= q && p+uintptr(len(b)) <= q+uintptr(len(outer))
}

func withinPoison(b []byte) bool {
	p, q := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(&poisoned))
	return p >= q && p+uintptr(len(b)) <= q+unsafe.Sizeof(poisoned)
}
