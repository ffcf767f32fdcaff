"""LoRA adapters of Llama-like models: as a folder of PEFT, which trainers write, and as a GGUF
file, which llama.cpp's server takes. Run by itself it writes the one as the other.

The tensors of a GGUF file keep their values, in half precision; the names are llama.cpp's,
and the rows of queries and keys are in the order in which it rotates them.
"""

import argparse
import json
import pathlib
import re

import gguf
import numpy
import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
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
LINEAR = [name.split(".")[1] for name in NAMES]
PEFT_TENSOR = re.compile(r"layers\.(\d+)\.(\w+\.\w+)\.lora_([AB])\.weight$")
GGUF_TENSOR = re.compile(r"blk\.(\d+)\.(\w+)\.weight\.lora_([ab])$")


def fresh(model, layers, rank, alpha):
    """Returns the model with an adapter on all linear layers of the layers by these numbers,
    which changes nothing yet."""
    return get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, target_modules=LINEAR, layers_to_transform=sorted(layers), task_type="CAUSAL_LM"))


def attach(model, path, base, layers=()):
    """Returns the model with the adapter of a folder or GGUF file, to learn on. Layers that the
    adapter does not have get one that changes nothing yet. base is the GGUF file that the
    adapter is for."""
    weights, alpha = read(path, base)
    rank = next(weight.shape[0] for key, weight in weights.items() if ".lora_A." in key)
    model = fresh(model, layers_of(weights) | set(layers), rank, alpha)
    left = set_peft_model_state_dict(model, {key: torch.from_numpy(weight) for key, weight in weights.items()}).unexpected_keys
    if left:
        raise ValueError(f"{path} is for another model, which has {left[0]}")
    return model


def layers_of(weights):
    return {int(PEFT_TENSOR.search(key)[1]) for key in weights}


def read(path, base):
    """Returns the weights of an adapter, by PEFT's names, and its alpha."""
    if path.is_dir():
        config = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))
        return load_file(path / "adapter_model.safetensors"), float(config["lora_alpha"])
    file = gguf.GGUFReader(path)
    heads = heads_of(base)
    modules = {name: module for module, name in NAMES.items()}
    weights = {}
    for tensor in file.tensors:
        match = GGUF_TENSOR.match(tensor.name)
        if not match or match[2] not in modules:
            raise ValueError(f"{path} is no adapter of linear layers: it has {tensor.name}")
        layer, name, side = match.groups()
        weight = tensor.data.astype(numpy.float32)
        if side == "b" and name in heads:
            weight = halves(weight, heads[name])
        weights[f"base_model.model.model.layers.{layer}.{modules[name]}.lora_{side.upper()}.weight"] = numpy.ascontiguousarray(weight)
    return weights, float(file.fields[gguf.Keys.Adapter.LORA_ALPHA].contents())


def write(folder, base, out):
    """Writes the adapter of a folder as a GGUF file. base is the one that it is for."""
    weights, alpha = read(folder, base)
    heads = heads_of(base)
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    for key, weight in sorted(weights.items()):
        layer, module, side = PEFT_TENSOR.search(key).groups()
        name = NAMES[module]
        if side == "B" and name in heads:
            weight = pairs(weight, heads[name])
        writer.add_tensor(f"blk.{layer}.{name}.weight.lora_{side.lower()}", numpy.ascontiguousarray(weight, dtype=numpy.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def pairs(weight, heads):
    """Reorders the rows of each head from halves, as Hugging Face rotates, to pairs."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def halves(weight, heads):
    """Undoes pairs."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


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
    write(args.adapter, args.base, args.out)


if __name__ == "__main__":
    main()
