"""A real worker process with fake steps: `worker_process.py FAKE_AS_JSON [arguments of the worker]`."""

import json
import sys
from pathlib import Path

from render_service.__main__ import main
from render_service.fake_steps import FakeSteps

if __name__ == "__main__":
    fake = json.loads(sys.argv[1])
    fake["journal"] = Path(fake["journal"])
    sys.exit(main(sys.argv[2:], build=lambda settings: FakeSteps(**fake)))
