"""Checks lora.py on small adapters, for the heads of the model that is served.

PFR_RECIPE_BASE is its GGUF file.
"""

import os
import pathlib
import tempfile
import unittest

import gguf
import torch
from peft import PeftModel
from transformers import LlamaConfig, LlamaForCausalLM

import lora

BASE = pathlib.Path(os.environ["PFR_RECIPE_BASE"])


class Adapters(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "lora.gguf"
        torch.manual_seed(1)
        learnt = lora.fresh(self.model(), {1, 3}, 4, 6)
        for name, weight in learnt.named_parameters():
            if "lora_" in name:  # half precision holds eighths
                weight.data = torch.randint(-8, 8, weight.shape) / 8
        learnt.save_pretrained(self.folder)
        lora.write(self.folder, BASE, self.file)

    def model(self):
        """Returns a small model, the same each time, with as many heads as the base."""
        heads = lora.heads_of(BASE)
        torch.manual_seed(2)
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=16, hidden_size=8 * heads["attn_q"], intermediate_size=32, num_hidden_layers=4, num_attention_heads=heads["attn_q"], num_key_value_heads=heads["attn_k"]
            )
        )

    @torch.no_grad()
    def says(self, model):
        return model.eval()(input_ids=torch.arange(12)[None]).logits

    def test_gguf_is_gone_on_from_like_the_folder(self):
        want = self.says(PeftModel.from_pretrained(self.model(), self.folder))
        self.assertGreater((want - self.says(self.model())).abs().max(), 0.1)
        for path in (self.file, self.folder):
            torch.testing.assert_close(self.says(lora.attach(self.model(), path, BASE)), want)

    def test_more_layers_change_nothing_yet_and_learn(self):
        want = self.says(lora.attach(self.model(), self.file, BASE))
        wider = lora.attach(self.model(), self.file, BASE, layers=[1, 2, 3])
        torch.testing.assert_close(self.says(wider), want)
        wider(input_ids=torch.arange(12)[None], labels=torch.arange(12)[None]).loss.backward()
        learns = {name for name, weight in wider.named_parameters() if weight.grad is not None and weight.grad.any()}
        for layer in (1, 2, 3):
            of_layer = [name for name in learns if f"layers.{layer}." in name and "lora_B" in name]
            self.assertEqual(len(of_layer), len(lora.LINEAR), f"layer {layer}")

    def test_rotates_queries_and_keys_alone(self):
        by_name = {t.name: t.data for t in gguf.GGUFReader(self.file).tensors}
        weights, _ = lora.read(self.folder, BASE)
        for module, name in lora.NAMES.items():
            weight = weights[f"base_model.model.model.layers.1.{module}.lora_B.weight"]
            same = (by_name[f"blk.1.{name}.weight.lora_b"] == weight).all()
            self.assertEqual(same, name not in ("attn_q", "attn_k"), name)

    def test_refuses_what_is_no_adapter(self):
        with self.assertRaisesRegex(ValueError, "no adapter of linear layers"):
            lora.read(BASE, BASE)

    def test_refuses_an_adapter_of_another_model(self):
        shallow = LlamaForCausalLM(LlamaConfig(vocab_size=16, hidden_size=72, intermediate_size=32, num_hidden_layers=2, num_attention_heads=9, num_key_value_heads=3))
        with self.assertRaisesRegex(ValueError, "another model"):
            lora.attach(shallow, self.file, BASE)


if __name__ == "__main__":
    unittest.main()
