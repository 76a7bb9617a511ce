package client_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/purewire/purewire/client"
)

func Example() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello from ", r.URL.Path) }))
	defer s.Close()

	tr := &client.Transport{}
	defer tr.Close()
	c := &http.Client{Transport: tr}
	resp, err := c.Get(s.URL + "/world")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := client.Text(resp)
	fmt.Println(text, err)
	// Output: hello from /world <nil>
}

func ExampleNew() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"path": %q, "token": %q}`, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer s.Close()

	api, _ := client.New(s.URL+"/v1/", client.Bearer("secret"), nil)
	resp, err := api.Get(context.Background(), "items")
	if err != nil {
		fmt.Println(err)
		return
	}
	var v struct{ Path, Token string }
	err = client.JSON(resp, &v)
	fmt.Println(v.Path, v.Token, err)
	// Output: /v1/items Bearer secret <nil>
}
