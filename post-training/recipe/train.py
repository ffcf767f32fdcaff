"""Fine-tunes a small language model to route, with LoRA adapters on all linear layers.

Reads rows of prompt and completion as `pfr post-train export --format trl-sft` writes them and
learns the completions alone. The base is the very GGUF that is served: its weights are
dequantised, so that the adapter fits what the server computes with. Writes the adapter,
and a log with one JSON object a line: the settings first, then the loss.
"""

import argparse
import math
import pathlib
import random
import time
from copy import copy, deepcopy

import torch
from transformers import DynamicCache

import base
import lora


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", required=True, type=pathlib.Path, help="JSONL of prompt, completion and, if there, weight")
    parser.add_argument("--held-out", type=pathlib.Path, help="such rows that are not learnt: their loss is logged")
    parser.add_argument("--base", required=True, type=pathlib.Path, help="GGUF file of the model that is served")
    parser.add_argument("--adapter", type=pathlib.Path, help="adapter to go on from, as a folder or GGUF file, of no more layers than learn")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for the adapter and the log")
    parser.add_argument("--epochs", type=float, default=3, help="times over the rows")
    parser.add_argument("--steps", type=int, default=0, help="stop after so many; 0: after the epochs")
    parser.add_argument("--minutes", type=float, default=0, help="stop learning in time to end after so many; 0: no limit")
    parser.add_argument("--layers", type=int, default=10, help="how many of the upper layers learn; 0: all")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3, help="of learning, at its highest")
    parser.add_argument("--rank", type=int, default=16, help="of a new adapter; one to go on from keeps its own")
    parser.add_argument("--alpha", type=int, default=32, help="of a new adapter, likewise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=int, default=20, help="steps between two lines of the log")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read_rows(path, tokenizer):
    """Returns rows as token ids of prompt and completion, with their weights."""
    return [(*base.tokens(tokenizer, row["prompt"], row["completion"]), float(row.get("weight", 1))) for row in base.read(path)]


def shared_prefix(rows):
    """Returns how many tokens all prompts begin with: the turn that never changes."""
    first = rows[0][0]
    n = len(first)
    for prompt, _, _ in rows:
        n = min(n, len(prompt) - 1)
        while prompt[:n] != first[:n]:
            n -= 1
    return n


def batches(rows, size, rng):
    """Yields batches of rows of like length in random order, so that little is padding."""
    order = list(range(len(rows)))
    rng.shuffle(order)
    order = [i for at in range(0, len(order), size * 32) for i in sorted(order[at : at + size * 32], key=lambda i: sum(map(len, rows[i][:2])))]
    groups = [order[at : at + size] for at in range(0, len(order), size)]
    rng.shuffle(groups)
    for group in groups:
        yield [rows[i] for i in group]


class Router:
    """The model with its adapter. Only the upper layers learn; those below them do not
    change, so what they make of a row is computed once and kept."""

    def __init__(self, args):
        self.tokenizer, model = base.load(args.base)
        layers = len(model.model.layers)
        self.frozen = layers - min(args.layers or layers, layers)
        learn = range(self.frozen, layers)
        if args.adapter:
            self.model = lora.attach(model, args.adapter, args.base, learn)
        else:
            self.model = lora.fresh(model, learn, args.rank, args.alpha)
        below = [at for at in self.model.peft_config["default"].layers_to_transform if at < self.frozen]
        if below:
            raise ValueError(f"{args.adapter} has learnt layer {below[0]}, and with --layers {args.layers} only those from {self.frozen} on would learn")
        inner = self.model.base_model.model.model
        self.head = self.model.base_model.model.lm_head
        self.below = part(inner, inner.layers[: self.frozen], torch.nn.Identity())
        self.above = part(inner, inner.layers[self.frozen :], inner.norm)
        for at, layer in enumerate(self.above.layers):
            layer.self_attn.layer_idx = at  # its place in the cache
        self.kept = {}

    @torch.no_grad()
    def prepare(self, rows, prefix):
        """Computes what the layers below make of rows, and of the prefix that all prompts
        begin with."""
        cache = DynamicCache()
        self.prefix = self.below(input_ids=torch.tensor([prefix]), past_key_values=cache).last_hidden_state
        rows = sorted(rows, key=lambda row: len(row[0]) + len(row[1]))
        for at in range(0, len(rows), 32):
            group = rows[at : at + 32]
            texts = [prompt[len(prefix) :] + answer for prompt, answer, _ in group]
            ids, seen = padded(texts, len(prefix))
            copy = deepcopy(cache)
            if self.frozen:
                copy.batch_repeat_interleave(len(group))
            hidden = self.below(input_ids=ids, attention_mask=seen, position_ids=places(ids, prefix), past_key_values=copy).last_hidden_state
            for i, (row, text) in enumerate(zip(group, texts)):
                self.kept[id(row)] = (text, hidden[i, : len(text)].clone())

    def loss(self, batch, prefix):
        """Mean loss of the completions' tokens, weighted by row, of rows that were prepared.
        The prefix is computed once for the batch."""
        cache = self.above(inputs_embeds=self.prefix, use_cache=True).past_key_values
        cache.batch_repeat_interleave(len(batch))
        texts = [self.kept[id(row)][0] for row in batch]
        ids, seen = padded(texts, len(prefix))
        embeds = torch.nn.utils.rnn.pad_sequence([self.kept[id(row)][1] for row in batch], batch_first=True)
        hidden = self.above(inputs_embeds=embeds, attention_mask=seen, position_ids=places(ids, prefix), past_key_values=cache).last_hidden_state
        # The token before one of a completion predicts it: only there is the head asked.
        where = [(i, at) for i, (_, answer, _) in enumerate(batch) for at in range(len(texts[i]) - len(answer), len(texts[i]))]
        rows, ends = (torch.tensor(side) for side in zip(*where))
        losses = torch.nn.functional.cross_entropy(self.head(hidden[rows, ends - 1]), ids[rows, ends], reduction="none")
        weights = torch.tensor([batch[i][2] for i, _ in where])
        return (losses * weights).sum() / weights.sum()

    @torch.no_grad()
    def held_out(self, rows, prefix, size):
        self.model.eval()
        losses = [self.loss(rows[at : at + size], prefix).item() for at in range(0, len(rows), size)]
        self.model.train()
        return sum(losses) / len(losses)


def part(model, layers, norm):
    """Returns a model of some layers of a model, whose weights they share."""
    some = copy(model)
    some._modules = dict(model._modules, layers=layers, norm=norm)
    return some


def padded(texts, before):
    """Returns token ids and the attention mask of texts that before tokens come before."""
    width = max(map(len, texts))
    ids = torch.tensor([t + [0] * (width - len(t)) for t in texts])
    seen = torch.tensor([[1] * (before + len(t)) + [0] * (width - len(t)) for t in texts])
    return ids, seen


def places(ids, prefix):
    return torch.arange(len(prefix), len(prefix) + ids.shape[1]).expand(len(ids), -1)


def rate(step, steps, top):
    """Warms up over a twentieth of the steps, then falls as a cosine to a tenth."""
    warm = max(1, steps // 20)
    if step < warm:
        return top * (step + 1) / warm
    return top * (0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))


def train(router, rows, held_out, args, log):
    rng = random.Random(args.seed)
    begin = time.monotonic()
    prefix = rows[0][0][: shared_prefix(rows + held_out)]
    steps = args.steps or math.ceil(len(rows) * args.epochs / args.batch)
    weights = [p for p in router.model.parameters() if p.requires_grad]
    router.prepare(rows + held_out, prefix)
    log(prepared=len(rows) + len(held_out), seconds=round(time.monotonic() - begin))
    optimiser = torch.optim.AdamW(weights, lr=args.rate, weight_decay=0)
    router.model.train()
    step, recent = 0, []
    while step < steps:
        for batch in batches(rows, args.batch, rng):
            share = step / steps
            if args.minutes:  # the clock may be ahead of the steps
                share = max(share, (time.monotonic() - begin) / (60 * args.minutes))
            if share >= 1 or step == steps:
                steps = step
                break
            for group in optimiser.param_groups:
                group["lr"] = rate(int(share * 1000), 1000, args.rate)
            loss = router.loss(batch, prefix)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            recent.append(loss.item())
            if step % args.report == 0 or step == steps:
                log(step=step, of=steps, epoch=round(step * args.batch / len(rows), 2), loss=round(sum(recent) / len(recent), 4), seconds=round(time.monotonic() - begin))
                recent = []
    if held_out:
        log(step=step, held_out_loss=round(router.held_out(held_out, prefix, args.batch), 4))


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    with base.Log(args.out / "log.jsonl") as log:
        router = Router(args)
        config = router.model.peft_config["default"]
        rows = read_rows(args.rows, router.tokenizer)
        held_out = read_rows(args.held_out, router.tokenizer) if args.held_out else []
        log(rows=len(rows), adapter=str(args.adapter.name) if args.adapter else None, held_out=len(held_out), tokens=sum(len(p) + len(a) for p, a, _ in rows), base=args.base.name,
            epochs=args.epochs, layers=args.layers, batch=args.batch, rate=args.rate, rank=config.r, alpha=config.lora_alpha, seed=args.seed, torch=torch.__version__)
        train(router, rows, held_out, args, log)
        router.model.save_pretrained(args.out)


if __name__ == "__main__":
    main()
