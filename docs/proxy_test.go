package docs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"invitebridge/bridge/testenv"
	"invitebridge/kratos/kratostest"
)

const (
	host   = "invite.example.com"
	key    = "a-key-for-the-tests"
	client = "127.0.0.5" // the proxy itself is 127.0.0.1

	forgedTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
)

// proxy is one of the proxies in the guide, set up to run in a directory.
type proxy struct {
	t                        *testing.T
	dir, address, cert, priv string
	bridge                   string // address of the public listener
	path                     string // of the base URL
	strips                   bool   // whether it strips that path
}

func TestNginx(t *testing.T) {
	nginx := tool(t, "nginx")
	proxied(t, func(p proxy, log *os.File) { p.runNginx(log, nginx) })
}

func (p proxy) runNginx(log *os.File, nginx string) {
	site := write(p.t, filepath.Join(p.dir, "site.conf"), replaced(p.t, "proxy/nginx.conf",
		"listen 443", "listen "+p.address,
		"/etc/ssl/invite.example.com.pem", p.cert, "/etc/ssl/private/invite.example.com.key", p.priv,
		"/var/log/nginx/", p.dir+"/", "location / ", "location "+p.path+"/ ",
		"proxy_pass http://127.0.0.1:4488", "proxy_pass http://"+p.bridge+map[bool]string{true: "/"}[p.strips]))
	main := write(p.t, filepath.Join(p.dir, "nginx.conf"), fmt.Sprintf(
		"daemon off; pid %[1]s/pid; error_log stderr; events {}\nhttp { client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; include %[2]s; }",
		p.dir, site))
	start(p.t, log, nginx, "-p", p.dir, "-e", "stderr", "-c", main)
}

func TestCaddy(t *testing.T) {
	caddy := tool(t, "caddy")
	proxied(t, func(p proxy, log *os.File) {
		file := write(t, filepath.Join(p.dir, "Caddyfile"), replaced(t, "proxy/Caddyfile",
			"{\n\t# A path", "{\n\tadmin off\n\tauto_https off\n\t# A path",
			host+" {", fmt.Sprintf("https://%s:%s {\n\tbind 127.0.0.1\n\ttls %s %s\n\tlog", host, p.port(), p.cert, p.priv),
			"\thandle {", map[bool]string{false: "\thandle ", true: "\thandle_path "}[p.strips]+p.path+"/* {",
			"127.0.0.1:4488", p.bridge))
		start(t, log, caddy, "run", "--adapter", "caddyfile", "--config", file)
	})
}

// proxied runs inFront for a dedicated host, and for a path on a shared host that
// the proxy keeps or strips.
func proxied(t *testing.T, run func(p proxy, log *os.File)) {
	t.Run("host", func(t *testing.T) { inFront(t, "", false, run) })
	t.Run("path that is kept", func(t *testing.T) { inFront(t, "/join", false, run) })
	t.Run("path that is stripped", func(t *testing.T) { inFront(t, "/join", true, run) })
}

// inFront starts the bridge behind a proxy and checks what the guide states: the
// bridge uses the real client IP whatever the client claims, bodies that are too
// large are rejected, and no log contains the token, even when the bridge is down.
func inFront(t *testing.T, below string, strips bool, run func(p proxy, log *os.File)) {
	kratos, err := kratostest.NewFake(kratostest.FakeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer kratos.Close()
	p := newProxy(t)
	p.path, p.strips = below, strips
	admin := freeAddress(t)
	config := write(t, filepath.Join(t.TempDir(), "invitebridge.yml"), fmt.Sprintf(`
dsn: bolt://%s
serve:
  public: { host: 127.0.0.1, port: %s, base_url: "https://%s%s", trusted_proxies: [127.0.0.1] }
  admin: { host: 127.0.0.1, port: %s, api_keys: [ { name: tests, key: %s } ] }
kratos: { admin_url: %[7]s, public_url: %[7]s }
selfservice: { methods: { password: { config: { haveibeenpwned_enabled: false } } } }
tracing: { provider: otel, providers: { otlp: { server_url: "127.0.0.1:9", insecure: true } } }
`, filepath.Join(t.TempDir(), "invites.db"), portOf(p.bridge), host, below, portOf(admin), key, kratos.URL))
	bridgeLog, proxyLog := newLog(t, t.TempDir()), newLog(t, p.dir)
	stop := start(t, bridgeLog, build(t), "serve", "-c", config)
	await(t, p.bridge)
	run(p, proxyLog)
	await(t, p.address)

	token := invite(t, admin)
	path := below + "/api/v1/invite/" + token
	if status, body := p.send(http.MethodGet, path, ""); status != http.StatusOK {
		t.Fatalf("preview: %d %s", status, body)
	}
	if status, _ := p.send(http.MethodPost, path, strings.Repeat(" ", 70_000)); status < http.StatusBadRequest {
		t.Errorf("70,000 bytes: %d", status)
	}
	if status, page := p.send(http.MethodGet, below+"/invite/"+token, ""); status != http.StatusOK || !strings.Contains(page, "Choose a password") {
		t.Errorf("the page: %d %s", status, page)
	}
	if status, body := p.send(http.MethodPost, path, `{"password":"correct-Horse-7-battery"}`); status != http.StatusOK {
		t.Errorf("accept: %d %s", status, body)
	}
	stop()
	if status, _ := p.send(http.MethodGet, path, ""); status != http.StatusBadGateway {
		t.Errorf("with the bridge stopped: %d", status)
	}

	logLines := read(t, bridgeLog.Name())
	if !strings.Contains(logLines, `"client_ip":"`+client+`"`) || strings.Contains(logLines, "203.0.113.9") || strings.Contains(logLines, "forged") {
		t.Errorf("the bridge logs a wrong client IP or forged values:\n%s", logLines)
	}
	if !strings.Contains(logLines, `"trace_id":"`) || strings.Contains(logLines, forgedTrace) {
		t.Errorf("the bridge does not trace, or continues the client's trace:\n%s", logLines)
	}
	// A proxy writes its log line after the response.
	var logged string
	for deadline := time.Now().Add(testenv.Limit); !strings.Contains(logged, "502") && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		logged = readAll(t, filepath.Join(p.dir, "*log*"))
	}
	if strings.Contains(logged, token) {
		t.Errorf("the proxy logs the token:\n%s", logged)
	}
	if !strings.Contains(logged, client) || !strings.Contains(logged, "502") {
		t.Errorf("the proxy logs no requests:\n%s", logged)
	}
}

func newProxy(t *testing.T) proxy {
	t.Helper()
	p := proxy{t: t, dir: t.TempDir(), address: freeAddress(t), bridge: freeAddress(t)}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	p.cert = write(t, filepath.Join(p.dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	p.priv = write(t, filepath.Join(p.dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return p
}

func (p proxy) port() string { return portOf(p.address) }

// send sends a request through the proxy from the client's own IP. The request has
// forged headers, and contains the token everywhere a browser may put it.
func (p proxy) send(method, path, body string) (int, string) {
	p.t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{ServerName: host, InsecureSkipVerify: true}, // the test's self-signed certificate
		DisableKeepAlives: true,
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, p.address)
		},
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, "https://"+host+":"+p.port()+path+"?from="+path[strings.LastIndex(path, "/")+1:], strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Referer", "https://"+host+path)
	request.Header.Set("X-Forwarded-For", "203.0.113.9")
	request.Header.Set("X-Request-ID", "forged")
	request.Header.Set("traceparent", "00-"+forgedTrace+"-00f067aa0ba902b7-01")
	request.Header.Set("tracestate", "forged=1")
	response, err := (&http.Client{Transport: transport, Timeout: testenv.Limit}).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func invite(t *testing.T, admin string) (token string) {
	t.Helper()
	status, text := asAdmin(t, admin, `{"email":"ada@example.com"}`)
	var answer struct {
		Token string `json:"invitation_token"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusCreated {
		t.Fatal(status, text, err)
	}
	return answer.Token
}

// asAdmin posts an invitation.
func asAdmin(t *testing.T, admin, body string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+admin+"/api/v1/invite/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

func newLog(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "output.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func readAll(t *testing.T, pattern string) (text string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text += read(t, file)
	}
	return text
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// await returns when a server listens at address.
func await(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(testenv.Limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatal("nothing listens at " + address)
}
