//go:build llamacpp

package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/jupiterrider/ffi"
)

// release is the llama.cpp whose structures the binding knows. Another one would be read
// wrongly, not refused.
const release = "0.5."

// part is how much of a prompt is read at once, in tokens.
const part = 512

var (
	errOtherLibrary = errors.New("llama.cpp was loaded from another folder")
	errRelease      = errors.New("this binary wants llama.cpp v" + release + "x")
	errNoDevice     = errors.New("llama.cpp found nothing to compute with: are the libggml-cpu libraries in the folder?")
	errRefused      = errors.New("llama.cpp does not take the file: verbose says why")
	errTemplate     = errors.New("llama.cpp does not know the model's chat template")
	errGrammar      = errors.New("llama.cpp does not take the grammar")
	errTooLong      = errors.New("prompt and answer do not fit into the context")
	errDecode       = errors.New("llama.cpp cannot compute")
)

// library is llama.cpp, which is loaded once in a process.
type library struct {
	mu     sync.Mutex
	folder string
}

//nolint:gochecknoglobals // The functions of a shared library belong to the process.
var shared library

func (l *library) load(cfg Config) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.folder {
	case cfg.Library:
		return nil
	case "":
	default:
		return errOtherLibrary
	}
	if err := checkRelease(cfg.Library); err != nil {
		return err
	}
	if err := llama.Load(cfg.Library); err != nil {
		return err
	}
	if !cfg.Verbose {
		llama.LogSet(llama.LogSilent())
	}
	llama.Init()
	if llama.GGMLBackendDeviceCount() == 0 {
		return errNoDevice
	}
	l.folder = cfg.Library
	return nil
}

// checkRelease asks the library what it is.
func checkRelease(folder string) error {
	lib, err := loader.LoadLibrary(folder, "llama")
	if err != nil {
		return err
	}
	version, err := lib.Prep("llama_version", &ffi.TypePointer)
	if err != nil {
		return fmt.Errorf("%w: %w", errRelease, err)
	}
	var text *byte
	version.Call(unsafe.Pointer(&text))
	if got := goString(text); !strings.HasPrefix(got, release) {
		return fmt.Errorf("%w, not %q", errRelease, got)
	}
	return nil
}

// goString copies a short string that ends with a zero byte.
func goString(p *byte) string {
	const most = 64
	var b []byte
	for i := 0; p != nil && i < most; i++ {
		c := *(*byte)(unsafe.Add(unsafe.Pointer(p), i))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

// model is a base that llama.cpp has loaded.
type model struct {
	cfg      Config
	handle   llama.Model
	vocab    llama.Vocab
	words    int // in the vocabulary
	template string
}

func open(cfg Config) (base, error) {
	if err := shared.load(cfg); err != nil {
		return nil, fmt.Errorf("load llama.cpp from %s: %w", cfg.Library, err)
	}
	handle, err := llama.ModelLoadFromFile(cfg.Model, llama.ModelDefaultParams())
	if err != nil || handle == 0 {
		return nil, errors.Join(errRefused, err)
	}
	vocab := llama.ModelGetVocab(handle)
	m := &model{cfg, handle, vocab, int(llama.VocabNTokens(vocab)), llama.ModelChatTemplate(handle, "")}
	if _, err := m.tokens("", ""); err != nil {
		m.free()
		return nil, err
	}
	return m, nil
}

func (m *model) free() { _ = llama.ModelFree(m.handle) } // its error is that there is none

// adapt implements [base]. Every slot computes once, so that nothing is left to set up
// when it answers, and an adapter that does not compute is found out.
func (m *model) adapt(adapter string, slots int) ([]slot, func(), error) {
	a := &adapted{}
	var made []slot
	if err := a.load(m, adapter); err != nil {
		return nil, nil, err
	}
	for range slots {
		s, err := a.session(m)
		if err != nil {
			a.free()
			return nil, nil, err
		}
		made = append(made, s)
	}
	return made, a.free, nil
}

// adapted is an adapter and its contexts.
type adapted struct {
	lora     llama.AdapterLora // 0: none
	contexts []llama.Context
}

func (a *adapted) load(m *model, adapter string) error {
	if adapter == "" {
		return nil
	}
	var err error
	if a.lora, err = llama.AdapterLoraInit(m.handle, adapter); err != nil || a.lora == 0 {
		return errors.Join(errRefused, err)
	}
	return nil
}

// free lets go of what was made. The errors are those of handles that are 0.
func (a *adapted) free() {
	for _, c := range a.contexts {
		_ = llama.Free(c)
	}
	if a.lora != 0 {
		_ = llama.AdapterLoraFree(a.lora)
	}
}

// session returns a context that has computed once.
func (a *adapted) session(m *model) (*session, error) {
	p := llama.ContextDefaultParams()
	p.NCtx, p.NBatch, p.NUbatch = uint32(m.cfg.Context), part, part
	p.NThreads, p.NThreadsBatch = int32(m.cfg.Threads), int32(m.cfg.Threads)
	ctx, err := llama.InitFromModel(m.handle, p)
	if err != nil || ctx == 0 {
		return nil, errors.Join(errDecode, err)
	}
	a.contexts = append(a.contexts, ctx)
	memory, err := llama.GetMemory(ctx)
	if err != nil {
		return nil, errors.Join(errDecode, err)
	}
	if a.lora != 0 && llama.SetAdaptersLora(ctx, []llama.AdapterLora{a.lora}, []float32{1}) != 0 {
		return nil, errDecode
	}
	s := &session{of: m, ctx: ctx, memory: memory, all: make([]llama.TokenData, m.words)}
	return s, s.warm()
}

// warm computes once.
func (s *session) warm() error {
	words, err := s.of.tokens("", "")
	if err != nil {
		return err
	}
	err = s.feed(context.Background(), words)
	s.forget()
	return err
}

// tokens returns the prompt as the model's chat template has it.
func (m *model) tokens(system, user string) ([]llama.Token, error) {
	turns := []llama.ChatMessage{llama.NewChatMessage("system", system), llama.NewChatMessage("user", user)}
	buf := make([]byte, len(system)+len(user)+256)
	n := int(llama.ChatApplyTemplate(m.template, turns, true, buf))
	if n > len(buf) {
		buf = make([]byte, n)
		n = int(llama.ChatApplyTemplate(m.template, turns, true, buf))
	}
	if n <= 0 || n > len(buf) {
		return nil, errTemplate
	}
	return llama.Tokenize(m.vocab, string(buf[:n]), true, true), nil
}
