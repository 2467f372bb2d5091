package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"invitebridge/bridge/mail/mailtest"
)

// mailServer is a mail server that counts the connections to it, and those that
// clients have ended with QUIT.
type mailServer struct {
	*mailtest.Mailbox
	uri                string
	connections, quits atomic.Int32
}

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	box, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(box.Stop)
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = front.Close() })
	before, after, _ := strings.Cut(box.URI(), "@")
	address, query, _ := strings.Cut(after, "/")
	m := &mailServer{Mailbox: box, uri: before + "@" + front.Addr().String() + "/" + query}
	go func() {
		for {
			client, err := front.Accept()
			if err != nil {
				return
			}
			m.connections.Add(1)
			go m.forward(client, address)
		}
	}()
	return m
}

func (m *mailServer) forward(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
	for in := bufio.NewReader(client); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if line == "QUIT\r\n" {
			m.quits.Add(1)
		}
		if _, err := io.WriteString(server, line); err != nil {
			return
		}
	}
}

// TestMailConnections: emails share a connection. A reload closes it, and the next
// email goes to the new server. The end of the bridge closes the last one.
func TestMailConnections(t *testing.T) {
	former, latter := newMailServer(t), newMailServer(t)
	courier := func(m *mailServer) string {
		return `courier: { smtp: { connection_uri: "` + m.uri + `", from_address: bridge@example.com } }`
	}
	b := startFakeBridge(t, courier(former))
	send := func(email string, to *mailServer) {
		t.Helper()
		id := b.invite(object{"email": email})["id"].(string)
		if got := <-to.Emails; got.Recipients[0] != email {
			t.Errorf("an email for %s", got.Recipients)
		}
		eventually(t, func() bool { return b.asAdmin(http.MethodGet, "/"+id, nil).body["delivery"] == "sent" })
	}
	for _, email := range []string{"one@example.com", "two@example.com"} {
		send(email, former)
	}
	b.change(reloaded, courier(latter))
	if n, quits := former.connections.Load(), former.quits.Load(); n != quits {
		t.Errorf("after the reload, %d of %d connections are closed", quits, n)
	}
	send("three@example.com", latter)
	b.stop()
	if n, quits := latter.connections.Load(), latter.quits.Load(); n != 1 || quits != 1 {
		t.Errorf("at the end, %d of %d connections are closed", quits, n)
	}
}
