"""The command: its address, its errors, and what holds without the extra."""

import pytest

from sentiment.errors import MachineError, UsageError
from sentiment.serving import server
from tests.helpers import assert_one_error


def test_a_missing_extra_is_named_with_its_remedy(command, monkeypatch):
    monkeypatch.setattr(server, "PACKAGES", ("no_such_package",))
    needed = 'serve needs the package no_such_package: pip install "lstm-sentiment[serve]"'
    assert_one_error(command("serve", "shipped"), 2, needed)


def test_a_port_in_use_is_named_and_another_is_proposed():
    with server.open_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(MachineError, match=f"port {port} of 127.0.0.1 is in use; .*--port {port + 1}"):
            server.open_socket("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such name", "::zz"])
def test_an_address_of_another_machine_is_refused(host):
    with pytest.raises((MachineError, UsageError), match=r"no address of this machine; try .*127\.0\.0\.1"):
        server.open_socket(host, 0)


def test_only_this_machine_reaches_the_default_address():
    with server.open_socket(server.ServeOptions.host, 0) as listener:
        assert server.is_loopback(listener)
        assert server.address_of(listener).startswith("http://127.0.0.1:")
    with server.open_socket("0.0.0.0", 0) as listener:
        assert not server.is_loopback(listener)
        assert server.address_of(listener).startswith("http://127.0.0.1:")
