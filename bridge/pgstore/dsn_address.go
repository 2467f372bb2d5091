package pgstore

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// DSNAddress returns where a DSN leads, without credentials.
//
// Errors: ErrDSN.
func DSNAddress(dsn string) (string, error) {
	config, _, err := parse(dsn)
	if err != nil {
		return "", err
	}
	c := config.ConnConfig
	u := url.URL{Scheme: "postgres", Path: "/" + c.Database}
	hosts := []string{address(c.Host, c.Port)}
	for _, f := range c.Fallbacks {
		if next := address(f.Host, f.Port); next != hosts[len(hosts)-1] { // the same without TLS
			hosts = append(hosts, next)
		}
	}
	if strings.HasPrefix(c.Host, "/") {
		u.RawQuery = url.Values{"host": {c.Host}, "port": {strconv.Itoa(int(c.Port))}}.Encode()
	} else {
		u.Host = strings.Join(hosts, ",")
	}
	return u.String(), nil
}

func address(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
