"""Start a Dask cluster on this machine, or workers for one elsewhere, until Ctrl-C."""

from _command import Parser, make_console, run

from digit_recognizer.learn.cluster.host import PORT, host_cluster


def main() -> None:
    parser = Parser(description=__doc__)
    parser.add_argument(
        "--workers", type=int, help="processes (default: one for each card or core)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="only workers, for this scheduler")
    parser.add_argument("--listen", metavar="ADDRESS", help="default: only this machine")
    parser.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
    host_cluster(**vars(parser.parse_args()), console=make_console())


# Worker processes load this file again, and must not start clusters themselves.
if __name__ == "__main__":
    run(main)
