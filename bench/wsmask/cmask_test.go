//go:build cmask && cgo && amd64

package wsmask

import "github.com/purewire/purewire/bench/internal/cmask"

func init() { maskers = append(maskers, masker{"c-avx2", cmask.Mask, true}) }
