"""Write an ONNX graph node by node.

In: operators with the names of what they take. Out: the names of what they make, and all of it as
a graph. What always holds: names follow from the order of writing alone, so that the same networks
give the same bytes.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class GraphWriter:
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def write(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node; return its output's name, which is the node's own."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def keep(self, name: str, values: np.ndarray) -> str:
        """Add a constant, such as weights; return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
