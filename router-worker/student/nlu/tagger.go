package nlu

import "math"

// Tags of an intent with n slots: O is 0, then B and I of each slot.
const tagO = 0

func tagB(slot int) int { return 1 + 2*slot }
func tagI(slot int) int { return 2 + 2*slot }

// isInside reports whether a tag is the I of a slot.
func isInside(tag int) bool { return tag > 0 && tag%2 == 0 }

// legal reports whether tag may follow before; -1 is the beginning of the text.
func legal(before, tag int) bool {
	return !isInside(tag) || before == tag || before == tag-1
}

// tagger finds the slots of one intent. It is immutable.
type tagger struct {
	slots []uint8 // of the model, in the order of the tags
	*table
	moves []int32 // from tag to tag, in units; row by row
	first []int32
	last  []int32
}

func (t *tagger) tags() int { return 1 + 2*len(t.slots) }

// path is the memory of decoding. It is reused.
type path struct {
	scores []int32 // of tags, token by token
	back   []uint8
	best   []int32
	next   []int32
	tags   []uint8
}

// decode returns the most probable legal tags of the tokens whose features are atoms,
// token by token up to ends.
func (t *tagger) decode(p *path, atoms []uint64, ends []int) []uint8 {
	n, k := len(ends), t.tags()
	p.scores = resize(p.scores, n*k)
	clear(p.scores)
	from := 0
	for i, end := range ends {
		sums := p.scores[i*k : (i+1)*k]
		for _, f := range atoms[from:end] {
			t.add(sums, f)
		}
		from = end
	}
	p.tags = resize(p.tags, n)
	if n == 0 {
		return p.tags
	}
	t.viterbi(p, n)
	return p.tags
}

// viterbi fills p.tags from p.scores.
func (t *tagger) viterbi(p *path, n int) {
	k := t.tags()
	p.back, p.best, p.next = resize(p.back, n*k), resize(p.best, k), resize(p.next, k)
	for tag := range k {
		p.best[tag] = math.MinInt32 / 2
		if legal(-1, tag) {
			p.best[tag] = p.scores[tag] + t.first[tag]
		}
	}
	for i := 1; i < n; i++ {
		for tag := range k {
			from, score := t.before(p.best, tag)
			p.back[i*k+tag] = uint8(from)
			p.next[tag] = score + p.scores[i*k+tag]
		}
		p.best, p.next = p.next, p.best
	}
	at := 0
	for tag := range k {
		p.best[tag] += t.last[tag]
		if p.best[tag] > p.best[at] {
			at = tag
		}
	}
	for i := n - 1; i >= 0; i-- {
		p.tags[i] = uint8(at)
		at = int(p.back[i*k+at])
	}
}

// before returns the best tag before tag, and the score of what leads there.
func (t *tagger) before(best []int32, tag int) (from int, score int32) {
	k := t.tags()
	if isInside(tag) {
		from, score = tag-1, best[tag-1]+t.moves[(tag-1)*k+tag]
		if s := best[tag] + t.moves[tag*k+tag]; s > score {
			return tag, s
		}
		return from, score
	}
	score = math.MinInt32
	for b := range k {
		if s := best[b] + t.moves[b*k+tag]; s > score {
			from, score = b, s
		}
	}
	return from, score
}
