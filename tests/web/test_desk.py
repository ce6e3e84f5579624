import json
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, Listener
from pathlib import Path

import pytest

from orthanc_plugin.errors import ConfigurationError, Temporary
from orthanc_plugin.web.desk import Desk, address, ask
from orthanc_plugin.web.message import Answer, Request, found

Opener = Callable[[Callable[[Request], Answer]], str]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Opener]:
    opened: list[Desk] = []

    def open_desk(answer: Callable[[Request], Answer]) -> str:
        opened.append(Desk(address(tmp_path), answer))
        return address(tmp_path)

    yield open_desk
    for each in opened:
        each.close()


def test_a_request_arrives_whole_and_its_answer_comes_back(desk: Opener) -> None:
    heard: list[Request] = []

    def answer(request: Request) -> Answer:
        heard.append(request)
        return found({"ü": 1}, 202)

    sent = Request("POST", "/inference/api/run", {"a": "ü"}, '{"x": "ü"}', "admin", {"worker": "running"})

    assert ask(desk(answer), sent) == Answer(202, "application/json", '{"\\u00fc": 1}')
    assert heard == [sent]


def test_only_the_owner_reaches_it(desk: Opener) -> None:
    assert stat.S_IMODE(Path(desk(lambda _: found({}))).stat().st_mode) == 0o600


def test_a_slow_answer_does_not_hold_up_the_others(desk: Opener) -> None:
    go_on = threading.Event()
    slow_is_here = threading.Event()

    def answer(request: Request) -> Answer:
        if request.path == "/slow":
            slow_is_here.set()
            go_on.wait(30)
        return found(request.path)

    door = desk(answer)
    answers: list[Answer] = []
    slow = threading.Thread(target=lambda: answers.append(ask(door, Request("GET", "/slow"))))
    slow.start()
    assert slow_is_here.wait(30)

    assert ask(door, Request("GET", "/quick")).body == '"/quick"'
    go_on.set()
    slow.join()
    assert [each.body for each in answers] == ['"/slow"']


def test_a_mistake_of_ours_is_a_problem_without_its_details(desk: Opener) -> None:
    def answer(_request: Request) -> Answer:
        raise ZeroDivisionError("DOE^JOHN")

    given = ask(desk(answer), Request("GET", "/x"))

    assert (given.status, given.media_type) == (500, "application/problem+json")
    assert json.loads(given.body)["detail"] == "The node made a mistake; its log says where."
    assert "DOE" not in given.body


def test_an_answer_that_orthanc_could_stall_on_is_not_given(desk: Opener) -> None:
    given = ask(desk(lambda _: found("x" * 1_000_001)), Request("GET", "/x"))

    assert given.status == 500
    assert json.loads(given.body)["detail"] == "The answer is too long; ask for less by `limit`."


def test_whoever_hangs_up_harms_nobody(desk: Opener) -> None:
    door = desk(lambda _: found("well"))
    for _ in range(6):
        Client(door, "AF_UNIX").close()

    assert ask(door, Request("GET", "/x")).body == '"well"'


def test_nobody_at_the_desk(tmp_path: Path) -> None:
    with pytest.raises(Temporary) as caught:
        ask(address(tmp_path), Request("GET", "/x"))
    assert caught.value.sentence == ("The intake process is not running; it is being started again, try again soon.")


def test_somebody_silent_at_the_desk(tmp_path: Path) -> None:
    with Listener(address(tmp_path), "AF_UNIX"), pytest.raises(Temporary) as caught:
        ask(address(tmp_path), Request("GET", "/x"), patience_s=0.05)
    assert caught.value.sentence == "The intake process did not answer within 0.05 s; try again."


def test_a_desk_that_takes_nobody_holds_up_nobody(tmp_path: Path) -> None:
    with Listener(address(tmp_path), "AF_UNIX", backlog=1):
        refused = []
        for _ in range(4):
            with pytest.raises(Temporary) as caught:
                ask(address(tmp_path), Request("GET", "/x"), patience_s=0.05)
            refused.append(caught.value.sentence)
    assert refused[-1] == "The intake process is not running; it is being started again, try again soon."


def test_a_socket_left_by_a_killed_process_is_replaced(desk: Opener, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(address(tmp_path))
    assert Path(address(tmp_path)).exists()

    assert ask(desk(lambda _: found("well")), Request("GET", "/x")).body == '"well"'


def test_a_state_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with pytest.raises(ConfigurationError) as caught:
        address(deep)
    assert caught.value.sentence == (
        f"The path of the state folder {deep} is too long for the socket in it; "
        "name one of at most 95 bytes in INFERENCE_DATA."
    )
