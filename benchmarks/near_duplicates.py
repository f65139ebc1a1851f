"""Documents per CPU second and recall of near-duplicate detection on planted edits.

    python -m benchmarks.near_duplicates [--documents 100000] [--planted 5000]

Made-up user turns of about 680 characters with a Zipf-like vocabulary; every planted one is another turn with 1 to 5 %
of its words replaced. Recall is the share of planted turns that end in a cluster with the turn they were made from.
False clusters are pairs of turns that were drawn independently. The bound is what splitting, joining three words and
sketching with rensa take alone, in the same run: a busy machine slows both.
"""

import argparse
import gc
import random
import resource
import string
import sys
import time
from itertools import accumulate

from rensa import RMinHash

from ftgate.checks.likeness import Likeness
from ftgate.values.batch import Batch, Rows
from ftgate.values.dataset import Format

WORDS = 105
TOGETHER = 600
"""Examples in a batch: what the reader makes of a megabyte."""


def turns(documents: int, planted: int) -> tuple[list[str], list[int]]:
    """User turns, the planted ones last, and the index that each planted one was made from."""
    rng = random.Random(20260101)
    vocabulary = ["".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9))) for _ in range(30_000)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(vocabulary))))
    originals = documents - planted
    texts = [" ".join(rng.choices(vocabulary, cum_weights=weights, k=WORDS)) for _ in range(originals)]
    sources = rng.sample(range(originals), planted)
    for source in sources:
        edited = texts[source].split()
        for at in rng.sample(range(WORDS), max(1, round(WORDS * rng.uniform(0.01, 0.05)))):
            edited[at] = rng.choice(vocabulary)
        texts.append(" ".join(edited))
    return texts, sources


def batches(texts: list[str]) -> list[Batch]:
    """Every text as a user turn with a reply, by the batches in which the reader gives them."""
    made = []
    for start in range(0, len(texts), TOGETHER):
        batch = Batch("a.jsonl", Format.CONVERSATION)
        some = texts[start : start + TOGETHER]
        rows = Rows.none()
        for text in some:
            rows.add(("user", "assistant"), [text, "ok"])
        batch.extend(start, [0] * len(some), rows)
        made.append(batch)
    return made


def bound(texts: list[str]) -> float:
    """Documents per CPU second of shingles and sketches alone."""
    start = time.process_time()
    for at in range(0, len(texts), 64):
        found = [text.split() for text in texts[at : at + 64]]
        runs = [list(map(" ".join, zip(w, w[1:], w[2:], strict=False))) for w in found]
        RMinHash.from_token_sets(runs, 128, 42)
    return len(texts) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--planted", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    texts, sources = turns(args.documents, args.planted)
    read = batches(texts)
    gc.freeze()  # the collector is not to walk what only this program keeps
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = sum(map(len, texts)) / len(texts)
    print(f"{len(texts)} documents of {size:.0f} characters, {len(sources)} planted edits")
    print("| round | documents per CPU second | of the bound | recall | false pairs | added MiB |")
    print("|---|---|---|---|---|---|")
    for number in range(1, args.rounds + 1):
        likeness, start = Likeness(), time.process_time()
        for batch in read:
            batch.memo.clear()
            likeness.add_all(batch)
        clusters = likeness.clusters()
        seconds = time.process_time() - start
        cluster_of = {place.line: i for i, cluster in enumerate(clusters) for place in cluster.places}
        first = len(texts) - len(sources)
        hit = sum(cluster_of.get(first + i, -1) == cluster_of.get(s, -2) for i, s in enumerate(sources))
        planted = {s: first + i for i, s in enumerate(sources)}
        false = sum(
            any(place.line < first and place.line not in planted for place in cluster.places)
            for cluster in clusters
        )
        added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        rate, most, recall = len(texts) / seconds, bound(texts), hit / len(sources)
        of_bound = f"{rate / most:.2f} of {most:,.0f}"
        print(f"| {number} | {rate:,.0f} | {of_bound} | {recall:.3f} | {false} | {added:.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
