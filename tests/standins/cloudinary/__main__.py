"""`python -m tests.standins.cloudinary`: a Cloudinary to try the service on; everything is gone at the end."""

import argparse
import signal
import threading

from tests.standins.cloudinary.cloud import running


def main() -> None:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.cloudinary", description=__doc__)
    parser.add_argument("--port", type=int, default=21300)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with running(port=parser.parse_args().port) as cloud:
        print(f"CLOUDINARY_URL={cloud.address}", flush=True)  # noqa: T201 - a command prints
        stop.wait()


main()
