"""Predict the digits on pictures: files, folders of files, or CSVs with rows of 784 pixels."""

from pathlib import Path

from _command import Parser, make_console, run

from digit_recognizer.use.predict import predict
from digit_recognizer.workspace import Workspace


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument("images", nargs="*", metavar="PATH")
    parser.add_selection()
    parser.add_argument("--model", type=Path, help="an exported .onnx: needs no TensorFlow")
    parser.add_argument("--backend", help="onnx or keras (default: onnx)")
    parser.add_argument("--out", type=Path, help="write the answers as CSV")
    parser.add_argument("--show", type=Path, help="write a PNG of what the networks saw")
    options = parser.parse_args()
    if not options.images:
        parser.error('no picture is named: make predict IMAGES="a.png folder/"')
    predict(Workspace.current(), **vars(options), console=make_console())


run(main)
