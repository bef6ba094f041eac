"""Servers do not outlive us, however we die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

from mcp_assay.wire.reaper import Reaper

if TYPE_CHECKING:
    from pathlib import Path

RUN = """
import asyncio, sys
from mcp_assay.config.spec import Launch, TransportKind
from mcp_assay.wire.connect import Connector

BODY = '''
import json, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
request = json.loads(sys.stdin.readline())
print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"protocolVersion": "2025-11-25",
      "capabilities": {}, "serverInfo": {"name": str(child.pid), "version": "1"}}}), flush=True)
while True: time.sleep(600)
'''

async def main():
    launch = Launch(name="x", transport=TransportKind.STDIO, command=(sys.executable, "-c", BODY))
    session = await Connector().open_session(launch)
    print(session.channel.transport.pid, session.agreement.server_info["name"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def test_servers_and_their_daemons_die_with_a_killed_run(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    run = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, start_new_session=True)
    try:
        server, daemon = (psutil.Process(int(word)) for word in run.stdout.readline().split())
        os.kill(run.pid, signal.SIGKILL)
    finally:
        run.kill()
        run.communicate(timeout=10)
    assert not psutil.wait_procs([server, daemon], timeout=20)[1]


def test_a_closed_reaper_leaves_no_process() -> None:
    reaper = Reaper()
    reaper.start()
    process = psutil.Process(reaper._process.pid)
    reaper.close()
    assert not process.is_running()
    reaper.close()


def test_a_dead_reaper_does_not_stop_the_run_and_is_started_again() -> None:
    reaper = Reaper()
    reaper.start()
    reaper._process.kill()
    reaper._process.wait(10)
    reaper.add(2**22 - 1, "mark")
    reaper.start()
    assert reaper._process.poll() is None
    reaper.close()


def test_marks_are_never_given_twice() -> None:
    reaper = Reaper()
    assert len({reaper.new_mark() for _ in range(100)} | {Reaper().new_mark()}) == 101


def test_a_group_that_is_gone_is_never_signalled(tmp_path: Path) -> None:
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    reaper = Reaper()
    reaper.start()
    reaper.add(bystander.pid, "no-such-mark")
    reaper.forget_group("no-such-mark")
    reaper.close()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait(10)
