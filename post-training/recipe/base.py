"""What train.py and prefer.py share: the model that is served, rows as it reads them, the log."""

import json
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(gguf):
    """Returns the tokenizer and the model of a GGUF file, its weights dequantised."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    return tokenizer, AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)


def read(path):
    """Returns the rows of a JSONL file."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def texts(tokenizer, prompt, answer):
    """Returns the turns of a prompt as the server puts them, and what it generates after
    them: the answer and the token that ends it, with nothing behind."""
    return (
        tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False),
        answer[0]["content"] + tokenizer.eos_token,
    )


def tokens(tokenizer, prompt, answer):
    """Returns the token ids of both."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts(tokenizer, prompt, answer))


class Log:
    """A log with one JSON object a line, which is printed too."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.begin = time.monotonic()

    def __call__(self, **entry):
        line = json.dumps(entry)
        print(line, flush=True)
        print(line, file=self.file, flush=True)

    def seconds(self):
        """Returns how long it has been open."""
        return round(time.monotonic() - self.begin)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
