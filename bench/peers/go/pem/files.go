// Package pem reads what one end of mutual TLS needs.
package pem

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

// Files gives the certificate that an end shows and the authorities that it believes.
// files are the paths of a certificate, its key and the authorities, separated by commas.
func Files(files string) (tls.Certificate, *x509.CertPool, error) {
	names := strings.Split(files, ",")
	if len(names) != 3 {
		return tls.Certificate{}, nil, fmt.Errorf("%q: expected certificate, key and authorities, separated by commas", files)
	}
	pair, err := tls.LoadX509KeyPair(names[0], names[1])
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	text, err := os.ReadFile(names[2])
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return tls.Certificate{}, nil, fmt.Errorf("%s holds no certificate", names[2])
	}
	return pair, authorities, nil
}
