package recommend

import (
	"context"
	"math"
)

// choice is what a trial decided.
type choice struct {
	saturation Saturation
	ridge      ridge
	als        alsParams
	mix        Mix
	sides      sides // factors of the trial
}

// Sizes, in interactions, beyond which a trial is cut down. They depend on the data alone,
// never on the clock, so that equal data give equal models.
const (
	fullTrial = 100_000 // beyond it a share of the items is scored
	manyFits  = 150_000 // beyond it one fit of ALS, with the middle parameters
)

// choose sets a part of the data aside and tries parameters on it.
func (t *trainer) choose(ctx context.Context) (choice, error) {
	share := min(1, max(0.1, float64(fullTrial)/float64(t.all.Len())))
	if t.all.Items() <= 2000 {
		share = 1
	}
	v := newTrial(t.all, t.cfg.Validation, share, t.cfg.Seed)
	t.report("validation", 0, 3)
	c, linear, err := t.chooseLinear(ctx, v)
	if err != nil {
		return c, err
	}
	t.report("validation", 1, 3)
	x := preferences(&v.kept.cells, c.saturation, t.cfg.MaxHistory)
	if err := t.chooseFactors(ctx, v, x, &c); err != nil {
		return c, err
	}
	t.report("validation", 2, 3)
	c.mix = t.cfg.Mix
	if c.mix == (Mix{}) {
		cs, err := v.candidates(ctx, linearScore(linear.transpose(), x), latentScore(c.sides), popularity(v.kept.Listeners()))
		if err != nil {
			return c, err
		}
		if c.mix, err = v.chooseMix(ctx, cs); err != nil {
			return c, err
		}
	}
	t.report("validation", 3, 3)
	return c, nil
}

// popularity returns log(1 + n), scaled to a largest value of 1.
func popularity(listeners []uint32) []float32 {
	out := make([]float32, len(listeners))
	most := float32(0)
	for i, n := range listeners {
		out[i] = float32(math.Log1p(float64(n)))
		most = max(most, out[i])
	}
	for i := range out {
		out[i] /= max(most, 1e-9)
	}
	return out
}

// grid is the regularisations that are tried, the likeliest first: it wins ties.
func (t *trainer) grid() []ridge {
	if t.cfg.Lambda > 0 {
		return []ridge{{t.cfg.Lambda, t.cfg.Dropout}}
	}
	return []ridge{{100, 1}, {30, 1}, {30, 3}, {10, 3}, {300, 1}, {1000, 1}, {100, 0.3}, {10, 1}}
}

// chooseLinear tries the regularisations on uses, and the best one on counts.
func (t *trainer) chooseLinear(ctx context.Context, v *trial) (choice, *lists, error) {
	s := linearSearch{t: t, v: v, most: -1}
	switch t.cfg.Saturation {
	case "":
		if err := s.try(ctx, Binary, t.grid()...); err != nil {
			return choice{}, nil, err
		}
		err := s.try(ctx, Log, s.ridge)
		return choice{saturation: s.saturation, ridge: s.ridge}, s.lists, err
	default:
		err := s.try(ctx, t.cfg.Saturation, t.grid()...)
		return choice{saturation: s.saturation, ridge: s.ridge}, s.lists, err
	}
}

// linearSearch is the state of the search for the parameters of the autoencoder.
type linearSearch struct {
	t *trainer
	v *trial

	most       float64
	saturation Saturation
	ridge      ridge
	lists      *lists
}

// try fits and keeps what is better than all before.
func (s *linearSearch) try(ctx context.Context, sat Saturation, rs ...ridge) error {
	x := preferences(&s.v.kept.cells, sat, s.t.cfg.MaxHistory)
	fits, err := fitter{cfg: s.t.cfg, data: twoWay(x), targets: s.v.targets}.fit(ctx, rs...)
	if err != nil {
		return err
	}
	for i, l := range fits {
		got, err := s.v.recall(ctx, linearScore(l.transpose(), x))
		if err != nil {
			return err
		}
		if got > s.most {
			s.most, s.saturation, s.ridge, s.lists = got, sat, rs[i], l
		}
	}
	return nil
}

// chooseFactors tries regularisations of ALS from the middle outwards, and then a larger
// and a smaller confidence. Many interactions get one fit, with the middle.
func (t *trainer) chooseFactors(ctx context.Context, v *trial, x *sparse, c *choice) error {
	f := factorSearch{t: t, v: v, data: twoWay(x), most: -1}
	if t.cfg.Alpha > 0 {
		_, err := f.try(ctx, t.cfg.Alpha, t.cfg.Reg)
		f.store(c)
		return err
	}
	if _, err := f.try(ctx, 5, 50); err != nil {
		return err
	}
	defer f.store(c)
	if t.all.Len() > manyFits {
		return nil
	}
	for _, step := range []float64{3, 1.0 / 3} {
		for range 2 {
			better, err := f.try(ctx, f.params.Alpha, f.params.Reg*step)
			if err != nil {
				return err
			}
			if !better {
				break
			}
		}
	}
	for _, step := range []float64{4, 0.25} {
		if _, err := f.try(ctx, f.params.Alpha*step, f.params.Reg*math.Sqrt(step)); err != nil {
			return err
		}
	}
	return nil
}

// factorSearch is the state of the search for the parameters of ALS.
type factorSearch struct {
	t    *trainer
	v    *trial
	data both

	most   float64
	params alsParams
	sides  sides
}

// try fits and keeps the outcome when it is better than all before.
func (f *factorSearch) try(ctx context.Context, alpha, reg float64) (better bool, err error) {
	p := alsParams{Rank: f.t.cfg.Rank, Alpha: alpha, Reg: reg, Sweeps: f.t.cfg.Sweeps, Seed: f.t.cfg.Seed}
	if f.t.all.Len() > manyFits { // the other half of the sweeps follows on all data
		p.Sweeps = max(1, p.Sweeps/2)
	}
	fit := p.start(f.data)
	if err := p.improve(ctx, f.data, fit); err != nil {
		return false, err
	}
	got, err := f.v.recall(ctx, latentScore(fit))
	if err != nil || got <= f.most {
		return false, err
	}
	f.most, f.params, f.sides = got, p, fit
	return true, nil
}

func (f *factorSearch) store(c *choice) { c.als, c.sides = f.params, f.sides }
