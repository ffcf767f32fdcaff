package streamtest

import (
	"context"
	"errors"
	"net"
	"sync"
)

// link is the network between one member and the brokers. It can be cut, which is what the
// brokers see of a killed process, and frozen, which is what they see of a paused one.
type link struct {
	mu     sync.Mutex
	conns  map[*linkConn]struct{}
	isCut  bool
	frozen chan struct{} // not nil while frozen; closed by thaw
}

func newLink() *link { return &link{conns: map[*linkConn]struct{}{}} }

var errCut = errors.New("link is cut")

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isCut {
		_ = conn.Close()
		return nil, errCut
	}
	c := &linkConn{Conn: conn, link: l}
	l.conns[c] = struct{}{}
	return c, nil
}

// cut closes every connection and refuses new ones.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for c := range l.conns {
		_ = c.Conn.Close()
	}
}

// freeze holds back every byte on its way to the brokers until thaw.
func (l *link) freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = make(chan struct{})
}

func (l *link) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.frozen)
	l.frozen = nil
}

type linkConn struct {
	net.Conn
	link *link
}

func (c *linkConn) Write(b []byte) (int, error) {
	c.link.mu.Lock()
	frozen := c.link.frozen
	c.link.mu.Unlock()
	if frozen != nil {
		<-frozen
	}
	return c.Conn.Write(b)
}

func (c *linkConn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}
