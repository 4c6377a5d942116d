"""The plugin as a process, tried with programs that stand in for it."""

import os
import signal
import sys

import pytest

from tests.lab.plugin import PluginProcess

SERVER = """if True:
    import http.server, json, os
    os.chdir("/proc/self/task")
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    print("starting", flush=True)
    print(json.dumps({"msg": "listening", "address": "%s:%d" % server.server_address}), flush=True)
    server.serve_forever()
"""


def running(script: str) -> PluginProcess:
    return PluginProcess(command=(sys.executable, "-c", script))


async def test_lines_of_json_have_fields_and_others_have_none() -> None:
    script = """print('{"msg": "hello", "n": 1}'); print("plain"); print("[1]")"""
    async with running(script) as process:
        assert await process.wait() == 0
    assert [line.message for line in process.log] == ["hello", "", ""]
    assert process.log[0].fields["n"] == 1
    assert process.log[1].text == "plain"


async def test_web_pages_can_be_asked_for_once_it_listens() -> None:
    async with running(SERVER) as process:
        assert (await process.get("/"))[0] == 200
        assert (await process.get("/nothing"))[0] == 404


async def test_a_line_that_never_comes_is_missed_as_soon_as_the_process_has_ended() -> None:
    async with running("import sys; print('this'); print('that', file=sys.stderr)") as process:
        with pytest.raises(AssertionError, match=r"(?s)no such line .*\nthis\nstderr: that"):
            await process.wait_for_message("other")


async def test_lines_before_a_point_can_be_passed_over() -> None:
    script = """for n in (1, 2): print('{"msg": "hello", "n": %d}' % n)"""
    async with running(script) as process:
        assert (await process.wait_for_message("hello")).fields["n"] == 1
        assert (await process.wait_for_message("hello", after=1)).fields["n"] == 2


async def test_it_ends_by_a_signal_or_with_its_exit_code() -> None:
    script = """if True:
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        print("ready", flush=True)
        signal.pause()
    """
    async with running(script) as process:
        await process.wait_for_log(lambda line: line.text == "ready")
        assert process.is_running()
        assert await process.terminate() == 7
        assert not process.is_running()
    async with running(script) as process:
        assert await process.kill() == -signal.SIGKILL


async def test_leaving_it_ends_it_and_shows_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    async with running(SERVER) as process:
        await process.address()
    assert not process.is_running()
    assert "\nstarting\n" in capsys.readouterr().out


async def test_its_cost_is_what_the_kernel_counts() -> None:
    async with running(SERVER) as process:
        await process.address()
        before = process.cost()
        await process.get("/")
        after = process.cost()
    assert after.rss_bytes > 1 << 20
    assert after.threads == 1
    assert after.descriptors >= 4  # three and the listening socket
    assert after.cpu_seconds >= before.cpu_seconds
    assert after.wakeups >= before.wakeups


def test_the_plugin_directory_is_short_enough_for_sockets(plugin_directory: str) -> None:
    assert os.listdir(plugin_directory) == []
    assert len(plugin_directory) < 30
