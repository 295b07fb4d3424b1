"""The tower of the train bench in PyTorch: the same embedding bags, attention, products of pairs, layers and heads, with Adam for the layers and
Adagrad for the rows, on one thread. It answers every batch before it learns from it. Ids are places already and dense values are
standardised, so its clock sees tensors only."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Twin(nn.Module):
    def __init__(self, meta):
        super().__init__()
        self.meta = meta
        width, (slots, _), (attending, _) = meta["width"], meta["pooled"], meta["attended"]
        self.bag = nn.EmbeddingBag(meta["embeddings"], width, mode="mean", sparse=True, padding_idx=0)
        with torch.no_grad():
            self.bag.weight.uniform_(-0.05, 0.05)[0] = 0
        vectors = slots + attending
        self.above = torch.triu_indices(vectors, vectors, 1)
        pairs = vectors * (vectors - 1) // 2 if meta["pairs"] else 0
        inputs = vectors * width + pairs + meta["dense"]
        first, second = meta["hidden"]
        self.first = nn.Linear(inputs, first + meta["outputs"])
        self.second = nn.Linear(first, second)
        self.third = nn.Linear(second, meta["outputs"], bias=False)

    def forward(self, pooled, attended, dense):
        meta, rows = self.meta, dense.shape[0]
        width, (slots, per_slot), (attending, reach) = meta["width"], meta["pooled"], meta["attended"]
        means = self.bag(pooled.view(rows * slots, per_slot)).view(rows, slots, width)
        ids = attended.view(rows, attending, reach)
        values = F.embedding(ids, self.bag.weight, padding_idx=0, sparse=True)
        queries = means[:, meta["queries"], :]
        scores = torch.einsum("raw,raiw->rai", queries, values)
        scores = scores.masked_fill(ids == 0, -1e9).softmax(-1) * (ids != 0)
        vectors = torch.cat([means, torch.einsum("rai,raiw->raw", scores, values)], 1)
        parts = [vectors.flatten(1), dense]
        if meta["pairs"]:
            products = torch.bmm(vectors, vectors.transpose(1, 2))
            parts.append(products[:, self.above[0], self.above[1]])
        y = self.first(torch.cat(parts, 1))
        hidden = meta["hidden"][0]
        return y[:, hidden:] + self.third(F.relu(self.second(F.relu(y[:, :hidden]))))


def auc(answers, labels):
    order = np.argsort(answers, kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    positives = labels.sum()
    return (ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def main(folder):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    meta = json.loads((folder / "meta.json").read_text())

    def array(name, kind):
        return torch.from_numpy(np.fromfile(folder / name, dtype=kind).reshape(meta["rows"], -1))

    dense, targets = array("dense", "<f4"), array("targets", "<f4")
    pooled, attended = array("pooled", "<i4"), array("attended", "<i4")
    twin = Twin(meta)
    layers = [weights for name, weights in twin.named_parameters() if not name.startswith("bag")]
    adam = torch.optim.Adam(layers, lr=meta["rate"] * (meta["batch"] / meta["dense_batch"]) ** 0.5)
    adagrad = torch.optim.Adagrad([twin.bag.weight], lr=meta["row_rate"], initial_accumulator_value=0.03)
    batch, answers, started = meta["batch"], [], None
    warm_up = meta["rows"] // 4 // batch * batch
    for at in range(0, meta["rows"] - batch + 1, batch):
        if at == warm_up:
            started = (time.process_time(), time.perf_counter())
        part = slice(at, at + batch)
        logits = twin(pooled[part], attended[part], dense[part])
        wanted = targets[part]
        known = ~wanted.isnan()
        loss = F.binary_cross_entropy_with_logits(logits, wanted.nan_to_num(), weight=known.float(), reduction="sum")
        answers.append(torch.sigmoid(logits.detach()))
        adam.zero_grad(set_to_none=True)
        adagrad.zero_grad(set_to_none=True)
        (loss / batch).backward()
        adam.step()
        adagrad.step()
    cpu_s, wall_s = time.process_time() - started[0], time.perf_counter() - started[1]
    count = len(answers) * batch - warm_up
    told = torch.cat(answers)[warm_up:, meta["long_view"]].numpy()
    labels = targets[warm_up : warm_up + count, meta["long_view"]].numpy() > 0.5
    figures = {
        "impressions_per_s_core": count / cpu_s,
        "impressions_per_s": count / wall_s,
        "auc": float(auc(told, labels)),
        "version": torch.__version__,
    }
    print(json.dumps(figures))


main(Path(sys.argv[1]))
