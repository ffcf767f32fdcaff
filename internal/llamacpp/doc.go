// Package llamacpp runs a small language model inside this process, by the shared libraries
// of llama.cpp. They are loaded when the model is, without cgo, and only in a binary that
// was built with the tag llamacpp; any other says that it was not.
//
// The vocabulary: the base is the model file. An adapter is a LoRA file in GGUF that was
// trained on that base. A slot is a context of llama.cpp, which answers one prompt at a time
// and keeps the last one to continue from where the next begins alike. A generation is the
// base with one adapter and its slots: another adapter is another generation, and the old
// one lives on until its last answer is written.
//
// Answers are held to their schema by a grammar, token by token, as llama.cpp's server does:
// the same files give the same decisions here and there.
package llamacpp
