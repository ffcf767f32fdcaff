// Package recommend learns from who used what, and recommends.
//
// The vocabulary: Interactions are users, items and weights. A history is the items of one
// user, as entries. A preference is a weight after saturation. The predictors of an item,
// the target, are the items whose use speaks for it. Shared listeners are the users of both
// items of a pair. A Model holds three parts, which a Mix weighs: the linear part, an
// item-item autoencoder; the factors of ALS; and popularity. A Bundle is models by kind of
// item.
//
// Train chooses saturation, regularisation and mix on a part of the data that it sets
// aside, then fits all of it. What depends on sizes follows the data, never the clock: equal
// data, config and seed give an equal model, on any number of processors.
//
// # The autoencoder
//
// EASE^R (Steck 2019) needs the inverse of a matrix of items × items. Up to
// Config.ExactItems it is computed. Beyond, the same least squares problem is solved for
// each target alone, over its nearest neighbours by discounted cosine. On generated data of
// 3,000 items the two agree within 1 % in recall@20. With 15,000 items, most of them rare,
// and λ = 30, the neighbourhood was 4 % better: it does not spread weight over chance
// co-occurrences. Its work grows with the items, not with their cube.
//
// The package knows nothing of catalogues, messages or tools.
package recommend
