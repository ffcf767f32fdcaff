// Package posttraining makes training rows for small routers by rejection sampling, as the
// article describes it: a teacher decides for a query at a high temperature, cheap gates and
// a judge throw out what is bad, and sampling goes on until a decision passes or the limit
// is reached.
//
// The vocabulary: a sample is one answer of a teacher; a row is a sample that passed, with
// where it comes from; a hard query is one that no sample passed; a rejection is a sample
// that did not, with why.
package posttraining
