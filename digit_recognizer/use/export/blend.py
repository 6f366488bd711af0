"""A whole line-up as one ONNX graph: uint8 images in, the blend's probabilities out.

In: the networks of all folds of all experiments, and facts to store in the file. Out: the file's
bytes. What always holds: the graph averages as `KerasRecognizer` does, and the same networks and
facts give the same bytes.
"""

import numpy as np

from digit_recognizer.use.export.network import GraphWriter, write_network
from digit_recognizer.use.keras_recognizer import KerasRecognizer, Member
from digit_recognizer.use.model_file import INPUT, IR_VERSION, OPSET, OUTPUT

_SIDE = 28
_ROWS, _COLUMNS = 2, 3  # axes of (n, 1, 28, 28)


def write_blend(recognizer: KerasRecognizer, facts: dict[str, str], description: str) -> bytes:
    from onnx import TensorProto, checker, helper

    graph = GraphWriter()
    pixels = graph.write("Cast", "as-numbers", [INPUT], to=TensorProto.FLOAT)
    pixels = graph.write("Unsqueeze", "pixels", [pixels, graph.keep("channel", np.array([1]))])
    members = [_write_member(graph, member, pixels) for member in recognizer.members]
    graph.write("Mean", OUTPUT, members)

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            recognizer.label,
            [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", _SIDE, _SIDE])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", 10])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digit-recognizer",
        doc_string=description,
    )
    helper.set_model_props(model, facts)
    checker.check_model(model, full_check=True)
    contents: bytes = model.SerializeToString(deterministic=True)
    return contents


def _write_member(graph: GraphWriter, member: Member, pixels: str) -> str:
    """Return the mean over the member's folds and test-time shifts."""
    moves = _write_moves(graph, member, pixels)
    # The shifted copies form one batch, so that each network runs once.
    stacked = graph.write("Concat", f"{member.name}/moves", moves, axis=0)
    folds = []
    for fold, network in enumerate(member.networks):
        place = f"{member.name}/fold-{fold}"
        logits = write_network(graph, network, stacked, place)
        folds.append(graph.write("Softmax", f"{place}/probabilities", [logits], axis=-1))
    mean = graph.write("Mean", f"{member.name}/mean-of-folds", folds)
    shape = graph.keep(f"{member.name}/by-move", np.array([len(moves), -1, 10]))
    apart = graph.write("Reshape", f"{member.name}/moves-apart", [mean, shape])
    return graph.write("ReduceMean", f"{member.name}/mean-of-moves", [apart], axes=[0], keepdims=0)


def _write_moves(graph: GraphWriter, member: Member, pixels: str) -> list[str]:
    """Return the images and, with a test shift, the copies that `learn.prediction` makes."""
    shift = member.test_shift
    if not shift:
        return [pixels]
    name = f"{member.name}/shift"
    around = graph.keep(f"{name}/paper", np.array([0, 0, shift, shift, 0, 0, shift, shift]))
    padded = graph.write("Pad", f"{name}/padded", [pixels, around])
    axes = graph.keep(f"{name}/axes", np.array([_ROWS, _COLUMNS]))
    moves = [pixels]
    for direction, start in (("down-right", 0), ("up-left", 2 * shift)):
        corners = [
            graph.keep(f"{name}/{direction}/{end}", np.array([corner, corner]))
            for end, corner in (("from", start), ("to", start + _SIDE))
        ]
        moves.append(graph.write("Slice", f"{name}/{direction}", [padded, *corners, axes]))
    return moves
