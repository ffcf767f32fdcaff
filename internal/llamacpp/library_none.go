//go:build !llamacpp

package llamacpp

// open says that there is no llama.cpp in this binary.
func open(Config) (base, error) { return nil, ErrNotBuilt }
