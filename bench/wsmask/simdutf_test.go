//go:build simdutf && cgo

package wsmask

import "github.com/purewire/purewire/bench/internal/simdutf"

func init() { validators = append(validators, validator{"simdutf", simdutf.Valid}) }
