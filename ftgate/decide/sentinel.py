"""Whether what was evaluated is the trained model, and not the base in disguise."""

import math

from ftgate.decide.hosted import name_of
from ftgate.values.evaluation import Sentinel
from ftgate.values.training import BaseModel, Training


def inactive(sentinel: Sentinel | None, training: Training | None, base: BaseModel | None) -> str:
    """Why nothing proves that the trained model answered; empty when it is proved.

    Weights on a machine of one's own: LoRA-B norms above zero, and logits that differ from the base's. A model at a
    service shows no weights: there it must have answered under the id that its training gave it, which is not the
    base's, and must answer otherwise than the base by more than two answers of the base differ.
    """
    if sentinel is None:
        return "nobody looked"
    asked = name_of(base.name) if base is not None else None
    proofs = {"logit difference": sentinel.logit_difference}
    if asked is None:
        proofs = {"norm of LoRA-B": sentinel.lora_b_norm, **proofs}
    elif training is None or not sentinel.model or sentinel.model != training.model:
        return "the service was not asked for the model that was tuned"
    elif sentinel.base != asked or sentinel.model == sentinel.base:
        return "tuned and base model were asked under one name, or under another than base_model"
    for name, value in proofs.items():
        if value is None or not math.isfinite(value) or not value > 0:
            return f"{name} is {'missing' if value is None else value}"
    return ""
