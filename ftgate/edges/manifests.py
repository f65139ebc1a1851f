"""Kubernetes manifests as YAML."""

from collections.abc import Sequence
from io import StringIO
from typing import Any


def manifest_text(documents: Sequence[dict[str, Any]]) -> str:
    """YAML 1.2, one document after the other."""
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = 4096
    text = StringIO()
    yaml.dump_all(documents, text)
    return text.getvalue()
