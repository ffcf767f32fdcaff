// Package outcome joins what listeners did to the pages on which they did it, and says
// what came of each search.
//
// A search is a query whose page is out; its facts are those of the page. An event is an
// interaction with the page. The outcome of a search is its facts and what its events sum
// up to. It also depends on the neighbours of the search: the searches of the same client
// shortly before and after it.
//
// [Join] takes pages and events in any order, twice or late, and hands each change of an
// outcome to its subscribers, as what held before and what holds now. Who subtracts the one
// and adds the other has exact aggregates at any moment. The outcomes are a function of the
// set of records, not of their order, with three bounds: a search leaves the state when the
// watermark has passed its horizon, the oldest leave early when there are too many, and
// events whose page is not there yet wait in bounded number.
//
// The watermark is the time up to which every partition of both topics has been read. A
// snapshot is the whole state, the aggregates of the subscribers and the offsets they stand
// for, at one point in time; what is read again after it was loaded counts once. The join
// stands still while a slice of it is encoded, and while the subscribers fix their state:
// each for as long as that takes to encode, unless it is a [Freezer].
package outcome
