"""Negative log likelihoods of labelled tokens: for the training loss on a CPU, and for the held-out loss anywhere.

Measuring leaves no trace in what is trained: no random number is drawn, and nothing is repacked.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ftgate.edges.loading import out_of_memory
from ftgate.edges.tokens import IGNORED, Tokenized


def token_losses(model: Any, batch: Mapping[str, Any]) -> Any:
    """Nats of every labelled token of a batch, in order of rows and places; a one-dimensional float tensor.

    On a GPU by TRL's fused head, which never builds the logits. Elsewhere that head works out every place of the
    batch, so here the logits are built for the places before a labelled token alone: one in ten, in a usual chat.
    Every call says that there is no cache: with one, examples that share a row attend to each other.
    """
    from torch.nn.functional import cross_entropy

    targets = batch["labels"][:, 1:]
    labelled = targets != IGNORED
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    if targets.device.type == "cuda":
        fused = model(**inputs, labels=batch["labels"], use_cache=False, fused_lm_head=True)
        return -fused.log_probs[labelled]
    places = labelled.any(dim=0).nonzero().flatten()
    if "logits_to_keep" in inspect.signature(_plain(model).forward).parameters:
        logits = model(**inputs, use_cache=False, logits_to_keep=places).logits
    else:
        logits = model(**inputs, use_cache=False).logits[:, places]
    chosen = labelled[:, places]
    return cross_entropy(logits[chosen].float(), targets[:, places][chosen], reduction="none")


def _plain(model: Any) -> Any:
    """Without the wrapping of several processes and of PEFT."""
    model = getattr(model, "module", model)
    return model.get_base_model() if hasattr(model, "get_base_model") else model


class HeldOut:
    """The held-out examples, in batches of about one length. Out of memory halves the batches for good."""

    def __init__(self, examples: Sequence[Tokenized], collator: Any, batch_size: int) -> None:
        self.examples = tuple(examples)
        self.events: list[str] = []
        self._collator = collator
        self._size = batch_size

    @property
    def tokens(self) -> int:
        """Tokens that carry loss, of all examples."""
        return sum(example.trained for example in self.examples)

    def losses(self, model: Any, autocast: Any, asked_to_stop: Any) -> tuple[float, ...] | None:
        """Of each example in order, summed over its trained tokens; None when `asked_to_stop()` became true."""
        order = sorted(
            range(len(self.examples)), key=lambda index: (len(self.examples[index].input_ids), index)
        )
        found: dict[int, float] = {}
        with measuring(model), autocast():
            while len(found) < len(order):
                if asked_to_stop():
                    return None
                batch = order[len(found) : len(found) + self._size]
                losses = self._batch(model, [self.examples[index] for index in batch])
                if losses is not None:
                    found.update(zip(batch, losses, strict=True))
        return tuple(found[index] for index in range(len(order)))

    def _batch(self, model: Any, examples: Sequence[Tokenized]) -> list[float] | None:
        """None when memory did not suffice and the batches were made smaller."""
        try:
            batch = self._collator([example._asdict() for example in examples])
            device = next(model.parameters()).device
            moved = {
                name: value.to(device) if hasattr(value, "to") else value for name, value in batch.items()
            }
            losses = token_losses(model, moved).double().cpu()
        except RuntimeError as error:
            if not out_of_memory(error) or self._size == 1:
                raise
            self._size = (self._size + 1) // 2
            self.events.append(f"out of memory while measuring: {self._size} held-out examples at once now")
            return None
        return [float(part.sum()) for part in losses.split([example.trained for example in examples])]


@contextmanager
def measuring(model: Any) -> Iterator[None]:
    """Dropout off, no gradients, random numbers as before.

    bitsandbytes rewrites a 4-bit layer for good when it runs outside of training on a processor with AVX512-BF16, and
    from then on its products round differently. Such a layer has no mode of its own, so it stays in training.
    """
    import torch
    from bitsandbytes.nn import Linear4bit

    before = [(module, module.training) for module in model.modules()]
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    model.eval()
    for module, _ in before:
        if isinstance(module, Linear4bit):
            module.training = True
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=devices):
            yield
    finally:
        for module, training in before:
            module.training = training
