"""Print how long line-ups would take on other machines: the tables of docs/scaling.md."""

from _command import Parser, run

from digit_recognizer.bench.scaling.tables import make_tables


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="instead, measure the values that the simulation starts from",
    )
    if parser.parse_args().measure:
        from digit_recognizer.bench.scaling.measure import measure_inputs

        for line in measure_inputs():
            print(line)
    else:
        print("\n".join(make_tables()))


run(main)
