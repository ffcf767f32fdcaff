"""Goes on from an adapter with preferences: DPO on pairs, KTO on single rows, both by TRL.

Reads rows as `pfr post-train export --format trl-dpo,trl-kto` writes them. The reference is
the adapter as it was. Writes an adapter as train.py does, and a log with one JSON object a
line: the settings first, then loss and rewards.
"""

import argparse
import os
import pathlib
import random

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched, and TRL reports no use to its makers

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer

import base
import lora

# What is logged of what TRL measures. KTO knows no accuracy, as its rows are no pairs.
MEASURES = {
    "loss": "loss",
    "margin": "rewards/margins",
    "accuracy": "rewards/accuracies",
    "chosen": "rewards/chosen",
    "rejected": "rewards/rejected",
    "kl": "kl",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True, type=pathlib.Path, help="JSONL of prompt, chosen, rejected, or of prompt, completion, label")
    parser.add_argument("--held-out", type=pathlib.Path, help="pairs that are not learnt: how often the chosen one is likelier is logged, before and after")
    parser.add_argument("--base", required=True, type=pathlib.Path, help="GGUF file of the model that is served")
    parser.add_argument("--adapter", required=True, type=pathlib.Path, help="adapter that train.py or prefer.py wrote, as a folder or GGUF file")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the adapter and the log")
    parser.add_argument("--epochs", type=float, default=1, help="times over the rows")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many; 0: after the epochs")
    parser.add_argument("--batch", type=int, default=8, help="pairs, or single rows, of a step")
    parser.add_argument("--rate", type=float, default=1e-4, help="of learning, at its highest")
    parser.add_argument("--beta", type=float, default=0.1, help="how much it costs to leave the reference")
    parser.add_argument("--likelihood", type=float, default=0, help="DPO: weight of the loss of what was chosen, beside that of the preference")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=int, default=10, help="steps between two lines of the log")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def answers(row):
    """Returns the names of the answers that a row has."""
    return [name for name in ("chosen", "rejected", "completion") if name in row]


def dataset(tokenizer, rows):
    """Returns rows for TRL as text. It would close a chat with a line feed after the token
    that ends an answer, which the server never generates; to text it adds nothing. It knows
    no weights."""
    out = []
    for row in rows:
        text = {"prompt": base.texts(tokenizer, row["prompt"], row[answers(row)[0]])[0]}
        text |= {name: base.texts(tokenizer, row["prompt"], row[name])[1] for name in answers(row)}
        if "label" in row:
            text["label"] = row["label"]
        out.append(text)
    return Dataset.from_list(out)


def settings(args):
    return dict(
        output_dir=str(args.out),
        num_train_epochs=args.epochs,
        max_steps=args.steps or -1,
        per_device_train_batch_size=args.batch,
        learning_rate=args.rate,
        lr_scheduler_type="cosine",
        warmup_steps=0.05,  # of all
        weight_decay=0,
        max_length=None,
        beta=args.beta,
        seed=args.seed,
        logging_steps=args.report,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def dpo(model, tokenizer, rows, args):
    kinds, weights = ["sigmoid"], [1.0]
    if args.likelihood:
        kinds, weights = ["sigmoid", "sft"], [1.0, args.likelihood]
    config = DPOConfig(loss_type=kinds, loss_weights=weights, **settings(args))
    return DPOTrainer(model=model, args=config, train_dataset=dataset(tokenizer, rows), processing_class=tokenizer)


def kto(model, tokenizer, rows, args):
    """Weighs the fewer of the good and the bad as much as the others in all."""
    good = sum(row["label"] for row in rows)
    bad = len(rows) - good
    if not good or not bad:
        raise ValueError(f"{good} good rows and {bad} bad ones: KTO needs both")
    config = KTOConfig(desirable_weight=max(1, bad / good), undesirable_weight=max(1, good / bad), **settings(args))
    return KTOTrainer(model=model, args=config, train_dataset=dataset(tokenizer, rows), processing_class=tokenizer)


def trainer_of(model, tokenizer, rows, args):
    """Returns the trainer that suits rows, with their order drawn by the seed: KTO compares
    each with the one before it."""
    rows = random.Random(args.seed).sample(rows, len(rows))
    if not rows or not {"chosen", "label"} & set(rows[0]):
        raise ValueError("the rows are neither trl-dpo nor trl-kto")
    trainer = (dpo if "chosen" in rows[0] else kto)(model, tokenizer, rows, args)
    for row, learnt in zip(rows, trainer.train_dataset, strict=True):
        for name in answers(row):
            if (learnt["prompt_ids"], learnt[f"{name}_ids"]) != base.tokens(tokenizer, row["prompt"], row[name]):
                raise ValueError(f"TRL reads other tokens than train.py: {row[name]} to {row['prompt']}")
    return trainer


class Report(TrainerCallback):
    """Writes what TRL measures to the log."""

    def __init__(self, log):
        self.log = log

    def on_log(self, args, state, control, logs, **_):
        if "loss" in logs:
            measured = {name: round(float(logs[key]), 4) for name, key in MEASURES.items() if key in logs}
            self.log(step=state.global_step, of=state.max_steps, **measured, seconds=self.log.seconds())


@torch.no_grad()
def likelihoods(model, tokenizer, rows, name):
    """Returns the log-likelihood of an answer of each row."""
    model.eval()
    out = []
    for row in rows:
        prompt, answer = base.tokens(tokenizer, row["prompt"], row[name])
        ids = torch.tensor([prompt + answer], device=model.device)
        says = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        out.append(says.gather(1, ids[0, len(prompt) :, None]).sum().item())
    model.train()
    return torch.tensor(out)


class HeldOut:
    """Pairs that are not learnt, and how likely their answers were before. Rewards are by
    how much likelier an answer became, as in DPO and KTO."""

    def __init__(self, model, tokenizer, rows):
        self.model, self.tokenizer, self.rows = model, tokenizer, rows
        self.before = self.measure()

    def measure(self):
        return [likelihoods(self.model, self.tokenizer, self.rows, name) for name in ("chosen", "rejected")]

    def report(self, log, beta):
        after = self.measure()
        chosen, rejected = (beta * (now - then) for now, then in zip(after, self.before))
        log(
            held_out=len(self.rows),
            likelier_before=round((self.before[0] > self.before[1]).float().mean().item(), 4),
            likelier=round((after[0] > after[1]).float().mean().item(), 4),
            margin=round((chosen - rejected).mean().item(), 4),
            accuracy=round((chosen > rejected).float().mean().item(), 4),
            chosen=round(chosen.mean().item(), 4),
            rejected=round(rejected.mean().item(), 4),
            seconds=log.seconds(),
        )


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    with base.Log(args.out / "log.jsonl") as log:
        tokenizer, model = base.load(args.base)
        model.is_quantized = False  # its weights are plain: the trainer takes every GGUF for packed
        model = lora.attach(model, args.adapter, args.base)
        rows = base.read(args.rows)
        held_out = HeldOut(model, tokenizer, base.read(args.held_out)) if args.held_out else None
        trainer = trainer_of(model, tokenizer, rows, args)
        log(method="dpo" if isinstance(trainer, DPOTrainer) else "kto", rows=len(rows), adapter=args.adapter.name, base=args.base.name, epochs=args.epochs,
            batch=args.batch, rate=args.rate, beta=args.beta, likelihood=args.likelihood, seed=args.seed, torch=torch.__version__)
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Report(log))
        trainer.train()
        if held_out:
            held_out.report(log, args.beta)
        model.save_pretrained(args.out, selected_adapters=["default"])


if __name__ == "__main__":
    main()
