"""Facts about the networks that answer, from the exported file itself."""

from pydantic import BaseModel

from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.use.recognizer import Recognizer


class Facts(BaseModel):
    label: str
    experiments: str | None = None
    networks: str | None = None
    oof_score: str | None = None
    data_source: str | None = None
    limits: str | None = None


def find_facts(recognizer: Recognizer) -> Facts:
    known = recognizer.facts if isinstance(recognizer, OnnxRecognizer) else {}
    told = {name: known.get(name) for name in Facts.model_fields if name != "label"}
    return Facts(label=recognizer.label, **told)
