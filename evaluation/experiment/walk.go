package experiment

import (
	"math"
	"slices"
)

// walk is the density of z at the last look of all paths that went on, on a grid. The zero
// value is of a test that has not begun.
type walk struct {
	at     float64   // information fraction
	drift  float64   // mean of z at fraction 1
	z      []float64 // grid
	weight []float64 // density × weight of Simpson's rule
}

// beyond returns the probability to go on until now and to be above c at fraction t.
func (w walk) beyond(t, c float64) float64 {
	if w.at == 0 {
		return upperTail(c - w.drift*math.Sqrt(t))
	}
	step := t - w.at
	from, to, per := math.Sqrt(w.at), math.Sqrt(t), math.Sqrt(step)
	sum := 0.0
	for i, z := range w.z {
		sum += w.weight[i] * upperTail((c*to-z*from-w.drift*step)/per)
	}
	return sum
}

// boundary returns the c that leaves probability p beyond it at fraction t, maxBoundary
// where p is too small for one.
func (w walk) boundary(t, p float64) float64 {
	if w.at == 0 {
		return min(upperPoint(max(p, 1e-300)), maxBoundary)
	}
	low, high := -maxBoundary, maxBoundary
	for range 40 {
		if mid := (low + high) / 2; w.beyond(t, mid) > p {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// next returns the density at fraction t of the paths that are between low and high there.
func (w walk) next(t, low, high float64) walk {
	z, simpson := grid(w.drift*math.Sqrt(t), low, high)
	out := walk{at: t, drift: w.drift, z: z, weight: simpson}
	if w.at == 0 {
		for i, z := range out.z {
			out.weight[i] *= density(z - w.drift*math.Sqrt(t))
		}
		return out
	}
	step := t - w.at
	from, to, per := math.Sqrt(w.at), math.Sqrt(t), math.Sqrt(step)
	for i, z := range out.z {
		sum, end := 0.0, (z*to-w.drift*step)/per
		for j, before := range w.z {
			sum += w.weight[j] * density(end-before*from/per)
		}
		out.weight[i] *= sum * to / per
	}
	return out
}

// density is that of the standard normal distribution, 0 where it is below 1e-22.
func density(z float64) float64 {
	if z > 10 || z < -10 {
		return 0
	}
	return math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
}

// fineness is the r of Jennison and Turnbull's grid, which has 12r−3 points.
const fineness = 18

// grid returns points around a mean, cut off at low and high, and the weights of Simpson's
// rule (Jennison and Turnbull 2000, section 19.2): even steps within three standard
// deviations, logarithmic ones outside.
func grid(mean, low, high float64) (points, weights []float64) {
	const r = fineness
	var odd []float64
	for i := 1; i < 6*r; i++ {
		x := 0.0
		switch {
		case i < r:
			x = -3 - 4*math.Log(float64(r)/float64(i))
		case i <= 5*r:
			x = -3 + 3*float64(i-r)/(2*r)
		default:
			x = 3 + 4*math.Log(float64(r)/float64(6*r-i))
		}
		odd = append(odd, mean+x)
	}
	first, _ := slices.BinarySearch(odd, low)
	last, _ := slices.BinarySearch(odd, high)
	if last < len(odd) { // cut off: the edge is a point
		odd = append(odd[:last], high)
	}
	if first > 0 {
		odd = append([]float64{low}, odd[first:]...)
	}
	if len(odd) < 2 { // all of it is far from the mean, where the density is nothing
		return nil, nil
	}
	points = make([]float64, 2*len(odd)-1)
	weights = make([]float64, len(points))
	for i, x := range odd {
		points[2*i] = x
		if i == 0 {
			continue
		}
		points[2*i-1] = (odd[i-1] + x) / 2
		width := x - odd[i-1]
		weights[2*i-2] += width / 6
		weights[2*i-1] += width * 4 / 6
		weights[2*i] += width / 6
	}
	return points, weights
}
