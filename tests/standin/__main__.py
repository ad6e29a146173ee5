"""Start both stand-ins for playing by hand: `python -m tests.standin [--port 4571] [--speed 60]`."""

import argparse
import sys
import threading

from moto.server import ThreadedMotoServer

from tests.standin.fixtures import BUCKET, environment, our_settings
from tests.standin.server import Server
from tests.standin.world import Clock, World


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of Bedrock (default: any free one)")
    parser.add_argument("--s3-port", type=int, default=0, help="of S3 and STS (default: any free one)")
    parser.add_argument("--speed", type=float, default=60.0, help="a batch job takes 30 minutes divided by this")
    parser.add_argument("--min-records", type=int, default=100, help="Bedrock's minimum for a batch job")
    asked = parser.parse_args()
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=asked.s3_port, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    world = World(f"http://{host}:{port}", clock=Clock(asked.speed))
    world.min_records = asked.min_records
    world.s3.create_bucket(Bucket=BUCKET)
    server = Server(world, asked.port).start()
    print("# Put these into .env (or the environment), then start the app:")
    for name, value in {**environment(world.s3_endpoint, server.url), **our_settings()}.items():
        print(f"{name}={value}")
    print("# Ctrl-C ends both and prints the bill.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print(f"\n{len(world.bill)} charges, ${world.usd()}, {len(world.paid_twice())} questions paid twice")
    finally:
        server.stop()
        moto.stop()
        sys.stdout.flush()


if __name__ == "__main__":
    main()
