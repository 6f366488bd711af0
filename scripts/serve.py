"""Serve a page to draw digits on, only for this machine, until Ctrl-C."""

from pathlib import Path

from _command import Parser, make_console, run

from digit_recognizer.use.serve.run import serve
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_selection()
    parser.add_argument("--model", type=Path, help="an exported .onnx: needs no TensorFlow")
    parser.add_argument("--backend", help="onnx or keras (default: onnx)")
    parser.add_argument("--port", type=int, default=8028, help="default: %(default)s")
    options = parser.parse_args()
    serve(Workspace.current(), **vars(options), console=make_console())


run(main)
