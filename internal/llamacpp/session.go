//go:build llamacpp

package llamacpp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"github.com/parallel-fusion/pfr/internal/llm"
)

// session is a context of llama.cpp. It implements [slot].
type session struct {
	of     *model
	ctx    llama.Context
	memory llama.Memory
	read   []llama.Token     // that the memory holds
	all    []llama.TokenData // scratch: every token of the vocabulary
}

// complete implements [slot].
func (s *session) complete(ctx context.Context, p llm.Prompt, grammar string) (llm.Completion, error) {
	var c llm.Completion
	prompt, err := s.of.tokens(p.System, p.User)
	if err != nil {
		return c, err
	}
	if len(prompt)+p.MaxTokens > s.of.cfg.Context {
		return c, fmt.Errorf("%d and %d tokens: %w", len(prompt), p.MaxTokens, errTooLong)
	}
	pick, err := s.of.picker(p, grammar)
	if err != nil {
		return c, err
	}
	defer pick.free()
	cached := s.rewind(prompt)
	c.Used = llm.Tokens{Prompt: len(prompt), Cached: cached}
	for next := prompt[cached:]; c.Used.Completion < p.MaxTokens; {
		if err := s.feed(ctx, next); err != nil {
			return c, err
		}
		logits, err := llama.GetLogitsIth(s.ctx, -1, s.of.words)
		if err != nil || logits == nil {
			return c, errors.Join(errDecode, err)
		}
		token := pick.next(logits, s.all)
		c.Used.Completion++
		if llama.VocabIsEOG(s.of.vocab, token) {
			return c, nil
		}
		c.Content += s.of.text(token)
		if p.TopLogprobs > 0 {
			c.Tokens = append(c.Tokens, s.of.odds(logits, token, p.TopLogprobs))
		}
		next = []llama.Token{token}
	}
	c.Truncated = true
	return c, nil
}

// rewind forgets what the memory holds beyond the beginning that it shares with the prompt,
// and returns how many tokens that is. The last one is always read anew.
func (s *session) rewind(prompt []llama.Token) int {
	n := 0
	for n < min(len(s.read), len(prompt)-1) && s.read[n] == prompt[n] {
		n++
	}
	if ok, err := llama.MemorySeqRm(s.memory, 0, llama.Pos(n), -1); err != nil || !ok {
		s.forget()
		return 0
	}
	s.read = s.read[:n]
	return n
}

func (s *session) forget() {
	_ = llama.MemoryClear(s.memory, true) // its error is that there is none
	s.read = s.read[:0]
}

// feed has the model read tokens.
func (s *session) feed(ctx context.Context, tokens []llama.Token) error {
	for piece := range slices.Chunk(tokens, part) {
		if err := ctx.Err(); err != nil {
			return err
		}
		code, err := llama.Decode(s.ctx, llama.BatchGetOne(piece))
		if err != nil || code != 0 {
			s.forget()
			return errors.Join(fmt.Errorf("%w: code %d", errDecode, code), err)
		}
		s.read = append(s.read, piece...)
	}
	return nil
}

// text returns the bytes of a token, which need not be whole characters.
func (m *model) text(token llama.Token) string {
	buf := make([]byte, 128)
	n := llama.TokenToPiece(m.vocab, token, buf, 0, false)
	if n < 0 {
		buf = make([]byte, -n)
		n = llama.TokenToPiece(m.vocab, token, buf, 0, false)
	}
	return string(buf[:max(n, 0)])
}

// odds returns a token with its probability and those of the n likeliest, before grammar and
// temperature.
func (m *model) odds(logits []float32, token llama.Token, n int) llm.Token {
	sum, top := 0.0, make([]llama.Token, 0, n+1)
	most := slices.Max(logits)
	for i, l := range logits {
		sum += math.Exp(float64(l - most))
		if len(top) == n && l <= logits[top[n-1]] {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, l, func(t llama.Token, l float32) int {
			if logits[t] >= l {
				return -1
			}
			return 1
		})
		top = slices.Insert(top, at, llama.Token(i))
		top = top[:min(len(top), n)]
	}
	all := float64(most) + math.Log(sum)
	out := llm.Token{Text: m.text(token), Logprob: float64(logits[token]) - all}
	for _, t := range top {
		out.Top = append(out.Top, llm.Token{Text: m.text(t), Logprob: float64(logits[t]) - all})
	}
	return out
}

// Sampling of llama.cpp's server, where a request says nothing else.
const (
	topK = 40
	topP = 0.95
	minP = 0.05
)

// picker chooses the next token: what the sampling says, if the grammar allows it, else what
// it says of those that the grammar allows.
type picker struct{ grammar, chain llama.Sampler }

func (m *model) picker(p llm.Prompt, grammar string) (picker, error) {
	g := llama.SamplerInitGrammar(m.vocab, grammar, "root")
	if g == 0 {
		return picker{}, errGrammar
	}
	chain := llama.SamplerChainInit(llama.SamplerChainDefaultParams())
	steps := []llama.Sampler{llama.SamplerInitGreedy()}
	if p.Temperature > 0 {
		llama.SamplerFree(steps[0])
		steps = []llama.Sampler{
			llama.SamplerInitTopK(topK), llama.SamplerInitTopP(topP, 0), llama.SamplerInitMinP(minP, 0),
			llama.SamplerInitTemp(float32(p.Temperature)), llama.SamplerInitDist(uint32(p.Seed)),
		}
	}
	for _, s := range steps { // the chain owns them
		llama.SamplerChainAdd(chain, s)
	}
	return picker{g, chain}, nil
}

func (p picker) free() {
	llama.SamplerFree(p.grammar)
	llama.SamplerFree(p.chain)
}

// next returns the token to write; scratch has room for every token.
func (p picker) next(logits []float32, scratch []llama.TokenData) llama.Token {
	all := fill(scratch, logits)
	llama.SamplerApply(p.chain, &all)
	token := selected(&all, scratch)
	one := []llama.TokenData{{Id: token, Logit: 1}}
	llama.SamplerApply(p.grammar, &llama.TokenDataArray{Data: &one[0], Size: 1, Selected: -1})
	if math.IsInf(float64(one[0].Logit), -1) {
		all = fill(scratch, logits)
		llama.SamplerApply(p.grammar, &all)
		llama.SamplerApply(p.chain, &all)
		token = selected(&all, scratch)
	}
	llama.SamplerAccept(p.grammar, token)
	llama.SamplerAccept(p.chain, token)
	return token
}

func fill(scratch []llama.TokenData, logits []float32) llama.TokenDataArray {
	for i, l := range logits {
		scratch[i] = llama.TokenData{Id: llama.Token(i), Logit: l}
	}
	return llama.TokenDataArray{Data: &scratch[0], Size: uint64(len(logits)), Selected: -1}
}

// selected returns the token that a chain chose. The samplers leave the array where it is.
func selected(all *llama.TokenDataArray, scratch []llama.TokenData) llama.Token {
	return scratch[max(all.Selected, 0)].Id
}
