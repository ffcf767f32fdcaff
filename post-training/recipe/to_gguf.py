"""Writes a LoRA adapter of a Llama-like model as GGUF, for llama.cpp's server.

The tensors keep their values, in half precision; the names are llama.cpp's, and the rows
of queries and keys are put in the order in which it rotates them.
"""

import argparse
import json
import pathlib
import re

import gguf
import numpy
from safetensors.numpy import load_file

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
TENSOR = re.compile(r"layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight$")


def rotated(weight, heads):
    """Reorders the rows of each head from halves, as Hugging Face rotates, to pairs."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def heads_of(base):
    fields = gguf.GGUFReader(base).fields
    return {
        "attn_q": int(fields["llama.attention.head_count"].contents()),
        "attn_k": int(fields["llama.attention.head_count_kv"].contents()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=pathlib.Path, help="folder that train.py wrote")
    parser.add_argument("--base", required=True, type=pathlib.Path, help="GGUF file that it was trained on")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="GGUF file to write")
    args = parser.parse_args()

    config = json.loads((args.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    heads = heads_of(args.base)
    writer = gguf.GGUFWriter(args.out, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    for key, weight in sorted(load_file(args.adapter / "adapter_model.safetensors").items()):
        layer, module, side = TENSOR.search(key).groups()
        name = NAMES[module]
        if side == "B" and name in heads:
            weight = rotated(weight, heads[name])
        writer.add_tensor(f"blk.{layer}.{name}.weight.lora_{side.lower()}", numpy.ascontiguousarray(weight, dtype=numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
