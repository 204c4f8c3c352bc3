"""Which addresses processes listen at, as /proc tells."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

LISTENS = "0A"  # the state in /proc/net/tcp
LOOPBACK = "0100007F"  # 127.0.0.1 there


def listening_addresses(processes: Iterable[int]) -> set[str]:
    """Return the addresses, as /proc writes them, at which some processes accept connections."""
    sockets: set[str] = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):  # closed by now
                sockets.add(os.readlink(link))  # noqa: PTH115
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found
