// Package webtest drives a headless browser in tests of web pages.
//
// A [Browser] is one tab. It fails its test when a step does, remembers what the page
// complains of, adds up how far the layout shifts, and can ask axe-core for faults of
// accessibility.
package webtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Variables of the environment.
const (
	BrowserEnv = "PFR_TEST_CHROMIUM"    // the browser, such as /usr/bin/chromium; without it tests skip
	ShotsEnv   = "PFR_TEST_SCREENSHOTS" // a folder for pictures; without it there are none
	AxeEnv     = "PFR_TEST_AXE"         // axe.min.js of axe-core; without it nothing is audited
)

// patience bounds what a test waits for in all.
const patience = 3 * time.Minute

// Browser is one tab. It is used by one goroutine.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// measure runs in every page before its own scripts do.
const measure = `
window.__shift = { all: 0, unexpected: 0, worst: "" };
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) {
    window.__shift.all += e.value;
    if (!e.hadRecentInput) window.__shift.unexpected += e.value;
    window.__shift.worst += e.sources.map((s) => (s.node?.className ?? s.node?.nodeName) + " " + e.value.toFixed(4)).join("; ") + "\n";
  }
}).observe({ type: "layout-shift", buffered: true });`

// Open opens a tab of a size in a browser of its own, which the test ends. more are flags of
// the browser. It skips the test where there is no browser.
func Open(t testing.TB, width, height int, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	path := os.Getenv(BrowserEnv)
	if path == "" {
		t.Skipf("%s is not set: it names the browser to drive, such as /usr/bin/chromium", BrowserEnv)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, append(more,
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(width, height))...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) })
	b := &Browser{t: t, ctx: ctx}
	b.call(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: measure})
		return err
	})
	b.listen()
	return b
}

// listen keeps what the page complains of until the test ends.
func (b *Browser) listen() {
	ctx, stop := context.WithCancel(b.ctx)
	messages := chromedp.Console(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range messages {
			if err != nil {
				return
			}
			if m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Type == chromedp.ConsoleWarning {
				b.mu.Lock()
				b.complaints = append(b.complaints, fmt.Sprintf("%s: %s (%s:%d)", m.Type, m.Text, m.URL, m.Line))
				b.mu.Unlock()
			}
		}
	}()
	b.t.Cleanup(func() { stop(); <-done })
}

// Complaints returns the errors and warnings on the console so far.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complaints)
}

// Do runs steps of the driver.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *Browser) call(f func(context.Context, *chromedp.Target) error) {
	b.t.Helper()
	b.Do(chromedp.Func(f))
}

// Go opens an address.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url))
}

// Type sends keys to an element. The enter key is "\r".
func (b *Browser) Type(selector, keys string) {
	b.t.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// Press sends keys to whatever has the focus; package kb of the driver names the others.
func (b *Browser) Press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		b.Do(chromedp.KeyEvent(k))
	}
}

// Click clicks the first element of a selector as a mouse does.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Resize gives the page a size.
func (b *Browser) Resize(width, height int) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(int64(width), int64(height)))
}

// Prefer sets a media feature, such as prefers-color-scheme to dark.
func (b *Browser) Prefer(feature, value string) {
	b.t.Helper()
	b.call(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	})
}

// WithoutScripts has pages that are opened from now on run no script of their own.
func (b *Browser) WithoutScripts() {
	b.t.Helper()
	b.call(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	})
}

// Eval returns the value of an expression. A promise is awaited.
func Eval[T any](b *Browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// Exec runs a script for its effect.
func (b *Browser) Exec(script string) {
	b.t.Helper()
	Eval[any](b, script+"; null")
}

// Await polls the page until a script is true.
func (b *Browser) Await(script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](script))
		if err == nil {
			return
		}
		if ctx.Err() == nil && (strings.Contains(err.Error(), "Cannot find context") || strings.Contains(err.Error(), "navigated or closed")) {
			continue // the page went away for the next one
		}
		b.Shoot("failed-" + strings.Map(plainName, b.t.Name()))
		b.t.Fatalf("waiting for %s: %v", script, err)
	}
}

// Arrive polls until a script is true of the page that a link or a form leads to. On the way
// there is none, and the script may fail.
func (b *Browser) Arrive(script string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-tick.C {
		there, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`!!(`+script+`)`))
		if err == nil && there {
			return
		}
	}
	b.Shoot("failed-" + strings.Map(plainName, b.t.Name()))
	b.t.Fatalf("waiting for %s", script)
}

func plainName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

// Shoot keeps a picture of the whole page, where someone wants pictures.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	dir := os.Getenv(ShotsEnv)
	if dir == "" {
		return
	}
	b.Exec(`document.getAnimations().forEach((a) => { try { a.finish(); } catch { a.cancel(); } })`)
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// Shift is how far the layout of a page has shifted, as CLS counts it, but over the whole
// life of the page.
type Shift struct {
	All        float64 `json:"all"`        // in answer to an input too
	Unexpected float64 `json:"unexpected"` // without those
	Worst      string  `json:"worst"`      // what moved
}

// Shift returns how far the layout has shifted since the page was opened.
func (b *Browser) Shift() Shift {
	b.t.Helper()
	return Eval[Shift](b, `new Promise((r) => requestAnimationFrame(() => setTimeout(() => r(window.__shift), 50)))`)
}

// Fault is a fault of accessibility.
type Fault struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"` // minor, moderate, serious or critical
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// Audit returns the serious and critical faults that axe-core finds on the page. Where it
// is not there, it says so in the log and finds none.
func (b *Browser) Audit() []Fault {
	b.t.Helper()
	path := os.Getenv(AxeEnv)
	if path == "" {
		b.t.Logf("%s is not set: it names axe.min.js of axe-core; the page is not audited", AxeEnv)
		return nil
	}
	source, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Exec(`document.getAnimations().forEach((a) => { try { a.finish(); } catch { a.cancel(); } })`)
	b.Exec(string(source))
	faults := Eval[[]Fault](b, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) => ({
		id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary) })))`)
	return slices.DeleteFunc(faults, func(f Fault) bool { return f.Impact != "serious" && f.Impact != "critical" })
}
