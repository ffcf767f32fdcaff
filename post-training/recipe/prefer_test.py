"""Checks prefer.py with the real tokenizer and a model of two small layers.

PFR_RECIPE_BASE is the GGUF file of the model that is served; rows are the golden files of
the exports in ../testdata, and testdata/tokens.json has what is to be learnt of the first.
"""

import json
import os
import pathlib
import tempfile
import types
import unittest

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PrinterCallback, TrainerCallback

import prefer

HERE = pathlib.Path(__file__).parent
EXPORTS = HERE.parent / "testdata" / "exports"


class Losses(TrainerCallback):
    def __init__(self):
        self.seen = []

    def on_log(self, args, state, control, logs, **_):
        if "loss" in logs:
            self.seen.append(float(logs["loss"]))


class Preferences(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        gguf = pathlib.Path(os.environ["PFR_RECIPE_BASE"])
        cls.tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        cls.out = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.out.cleanup)

    def model(self):
        """Returns a small model with an adapter that has learnt something."""
        torch.manual_seed(1)
        shape = LlamaConfig(vocab_size=len(self.tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2)
        return get_peft_model(LlamaForCausalLM(shape), LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False))

    def trainer(self, rows, **settings):
        args = dict(out=self.out.name, epochs=1, steps=0, batch=4, rate=1e-2, beta=0.1, likelihood=0, seed=1, report=1)
        trainer = prefer.trainer_of(self.model(), self.tokenizer, rows, types.SimpleNamespace(**args | settings))
        trainer.remove_callback(PrinterCallback)
        return trainer

    def test_learns_the_tokens_of_the_export(self):
        golden = json.loads((HERE / "testdata" / "tokens.json").read_text(encoding="utf-8"))
        for name in ("trl-dpo", "trl-kto"):
            row = prefer.base.read(EXPORTS / f"{name}.jsonl")[0]
            rows = [row] if name == "trl-dpo" else [row, row | {"label": False}]
            learnt = self.trainer(rows).train_dataset[0]
            for part in ("prompt", *prefer.answers(row)):
                self.assertEqual(self.tokenizer.convert_ids_to_tokens(learnt[f"{part}_ids"]), golden[name][part], f"{name}: {part}")
            self.assertEqual(self.tokenizer.decode(learnt[f"{prefer.answers(row)[0]}_ids"]), row[prefer.answers(row)[0]][0]["content"] + "<|im_end|>")

    def test_refuses_tokens_that_are_not_served(self):
        row = prefer.base.read(EXPORTS / "trl-dpo.jsonl")[0]
        right = prefer.dataset
        prefer.dataset = lambda tokenizer, rows: prefer.Dataset.from_list(rows)  # as chats
        self.addCleanup(setattr, prefer, "dataset", right)
        with self.assertRaisesRegex(ValueError, "other tokens"):
            self.trainer([row])

    def test_refuses_rows_that_prefer_nothing(self):
        good = prefer.base.read(EXPORTS / "trl-kto.jsonl")[0]
        for rows, why in (([], "neither"), (prefer.base.read(EXPORTS / "trl-sft.jsonl"), "neither"), ([good], "needs both")):
            with self.assertRaisesRegex(ValueError, why):
                self.trainer(rows)

    def test_refers_to_the_adapter_that_it_starts_from(self):
        rows = prefer.base.read(EXPORTS / "trl-dpo.jsonl")
        trainer = self.trainer(rows)
        begin = prefer.likelihoods(trainer.model, self.tokenizer, rows, "chosen")
        with trainer.model.disable_adapter():
            bare = prefer.likelihoods(trainer.model, self.tokenizer, rows, "chosen")
        self.assertGreater((begin - bare).abs().max(), 0.01)
        trainer.train()
        batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(rows))])
        reference, _ = trainer.compute_ref_log_probs(trainer.model, batch)
        order = [rows.index(r) for r in prefer.random.Random(1).sample(rows, len(rows))]
        torch.testing.assert_close(reference, begin[order], atol=1e-3, rtol=0)

    def gap(self, model, rows):
        """Returns by how much good answers are likelier than bad ones, on average."""
        good = [row for row in rows if row.get("label", True)]
        bad = [row for row in rows if not row.get("label", False)]
        name = {True: ("chosen", "rejected"), False: ("completion", "completion")}["chosen" in rows[0]]
        means = [prefer.likelihoods(model, self.tokenizer, side, part).mean() for side, part in zip((good, bad), name)]
        return means[0] - means[1]

    def test_learns_to_prefer(self):
        for name in ("trl-dpo", "trl-kto"):
            rows = prefer.base.read(EXPORTS / f"{name}.jsonl")
            losses = Losses()
            trainer = self.trainer(rows, steps=12, batch=len(rows))
            before = self.gap(trainer.model, rows)
            trainer.add_callback(losses)
            trainer.train()
            self.assertLess(losses.seen[-1], losses.seen[0], name)
            self.assertGreater(self.gap(trainer.model, rows), before + 1, name)


if __name__ == "__main__":
    unittest.main()
