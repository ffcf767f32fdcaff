// Package metrics counts what came of searches, by windows of time and cuts of the traffic.
//
// A cut is a combination of dimensions (route, tier, market, ...), and a cell is what was
// counted for one window and one value of each dimension. [Windows] hears of changed
// outcomes, subtracts what held before and adds what holds now, so that its cells are right
// at any moment, whatever comes late. All it holds are whole numbers, whose sums do not
// depend on the order. Which values of a dimension are told apart is settled for each day, so
// that their number is bounded. docs/metrics.md defines every count and every rate.
package metrics
