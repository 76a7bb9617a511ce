package server

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// HandlerE is an http.Handler that may return an error. If nothing was sent by then, the answer is the error's status with a
// fixed text; the error itself goes to Hooks.OnError and is never sent, unless Config.ExposeErrors is set.
type HandlerE func(w http.ResponseWriter, r *http.Request) error

// HTTPStatuser is implemented by errors that know the status to answer with (400 to 599).
type HTTPStatuser interface{ HTTPStatus() int }

// StatusError is an error with a status.
type StatusError struct {
	// Status is the status code to answer with.
	Status int
	// Err is the cause, for the log. It may be nil.
	Err error
}

// Error returns the cause's text, or the status text.
func (e *StatusError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return http.StatusText(e.Status)
}

// Unwrap returns the cause.
func (e *StatusError) Unwrap() error { return e.Err }

// HTTPStatus returns the status.
func (e *StatusError) HTTPStatus() int { return e.Status }

// StatusOf maps an error to a status: its own HTTPStatus if it has one, 413 for *http.MaxBytesError, 504 for a
// deadline, 499 for a cancelled request, 400 for a truncated body, else 500.
func StatusOf(err error) int {
	var s HTTPStatuser
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &s) && s.HTTPStatus() >= 400 && s.HTTPStatus() <= 599:
		return s.HTTPStatus()
	case errors.As(err, &big):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, ErrTimeout):
		return http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled), errors.Is(err, ErrPeerClosed):
		return 499
	case errors.Is(err, io.ErrUnexpectedEOF):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// ServeHTTP calls f and answers its error.
func (f HandlerE) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tw := &trackingWriter{ResponseWriter: w}
	err := f(tw, r)
	if err == nil {
		return
	}
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	reason := ""
	if x != nil {
		x.srv.onError(x.info, err)
		if x.srv.cfg.ExposeErrors {
			reason = err.Error()
		}
	}
	if tw.wrote {
		return
	}
	status := StatusOf(err)
	h := w.Header()
	clear(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, errorBody(status, reason))
}

// trackingWriter knows whether the response has begun.
type trackingWriter struct {
	http.ResponseWriter
	wrote bool
}

func (w *trackingWriter) WriteHeader(code int) {
	if code >= 200 || code == http.StatusSwitchingProtocols {
		w.wrote = true
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *trackingWriter) Write(p []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(p)
}

// Flush sends what is buffered.
func (w *trackingWriter) Flush() {
	w.wrote = true
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController reach the rest.
func (w *trackingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
