package rpctest

import (
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between a client and the server and breaks on demand.
type proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	thawed *sync.Cond
	conns  map[net.Conn]bool
	down   bool // new connections are closed
	frozen bool // nothing passes, nothing is closed
	pumps  sync.WaitGroup
}

// newProxy starts a proxy before the server at this address and ends it after the test.
func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: u.Host, conns: make(map[net.Conn]bool)}
	p.thawed = sync.NewCond(&p.mu)
	p.pumps.Go(p.accept)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.cut()
		p.pumps.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// cut breaks every connection and lets no new one through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.frozen = true, false
	for c := range p.conns {
		_ = c.Close() // broken on purpose
	}
	p.thawed.Broadcast()
}

// freeze holds back every byte from now on.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

// mend lets everything through again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.frozen = false, false
	p.thawed.Broadcast()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil || !p.adopt(client, server) {
			_ = client.Close() // refused on purpose
			continue
		}
		p.pumps.Go(func() { p.pump(client, server) })
		p.pumps.Go(func() { p.pump(server, client) })
	}
}

// adopt registers a pair of connections, or closes the server's when the proxy is down.
func (p *proxy) adopt(client, server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		_ = server.Close() // not used
		return false
	}
	p.conns[client], p.conns[server] = true, true
	return true
}

// pump copies until either side is closed, then closes both.
func (p *proxy) pump(from, to net.Conn) {
	defer p.drop(from, to)
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !p.pass(to) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// pass waits while the proxy is frozen and reports whether the connection still lives.
func (p *proxy) pass(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.frozen {
		p.thawed.Wait()
	}
	return !p.down && p.conns[c]
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the other side has gone
		delete(p.conns, c)
	}
}
