// Command server serves the self-service UI in a container, with the environment
// variables of Ory's reference UI: PORT, KRATOS_PUBLIC_URL, and KRATOS_BROWSER_URL
// if browsers reach Kratos at another URL. It sets no cookies and so needs none of
// the reference UI's cookie secrets.
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"
	"time"

	"invitebridge/cmd/demo/selfservice"
)

func main() {
	public := os.Getenv("KRATOS_PUBLIC_URL")
	if public == "" {
		log.Fatal("set KRATOS_PUBLIC_URL to the URL of Kratos' public API")
	}
	server := &http.Server{
		Addr: ":" + cmp.Or(os.Getenv("PORT"), "3000"), ReadHeaderTimeout: 5 * time.Second,
		Handler: selfservice.New(public, cmp.Or(os.Getenv("KRATOS_BROWSER_URL"), public)),
	}
	log.Println("self-service UI at", server.Addr)
	log.Fatal(server.ListenAndServe())
}
