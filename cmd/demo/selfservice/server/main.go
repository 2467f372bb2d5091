// Command server serves the self-service UI in a container, with the environment of
// Ory's reference UI: PORT, KRATOS_PUBLIC_URL, and KRATOS_BROWSER_URL where browsers
// reach Kratos elsewhere. It keeps no cookies, and so it needs no secret of those.
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
		log.Fatal("KRATOS_PUBLIC_URL must say where Kratos' public API is")
	}
	server := &http.Server{
		Addr: ":" + cmp.Or(os.Getenv("PORT"), "3000"), ReadHeaderTimeout: 5 * time.Second,
		Handler: selfservice.New(public, cmp.Or(os.Getenv("KRATOS_BROWSER_URL"), public)),
	}
	log.Println("self-service UI at", server.Addr)
	log.Fatal(server.ListenAndServe())
}
