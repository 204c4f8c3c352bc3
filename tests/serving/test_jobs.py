"""The queue in front of the model: together, fair, bounded."""

import threading
from concurrent.futures import Future

import pytest

from sentiment.serving.jobs import (
    BATCH_COST,
    Job,
    JobQueue,
    QueueClosedError,
    QueueFullError,
    ReviewError,
    cost_of,
)


def job(count, explain=False, length=10):
    return Job(["a" * length] * count, explain, Future())


def sizes(batch):
    return [len(piece.texts) for piece in batch]


@pytest.fixture
def queue():
    return JobQueue(8, 4_000)


def test_requests_that_wait_are_taken_together(queue):
    for count in (1, 3, 2):
        queue.put(job(count))
    assert sizes(queue.take()) == [1, 3, 2]
    assert queue.waiting == 0


def test_a_large_request_lets_small_ones_pass(queue):
    large, small = job(1_000), job(1)
    queue.put(large)
    queue.put(small)
    first = queue.take()
    assert small in [piece.job for piece in first] and sum(sizes(first)) == BATCH_COST
    rest = 1_000 - sum(sizes(first)) + 1
    taken = []
    while queue.waiting:
        taken += queue.take()
    assert sum(sizes(taken)) == rest
    assert [piece.start for piece in taken] == sorted(piece.start for piece in taken)


def test_reviews_to_explain_come_one_at_a_time(queue):
    queue.put(job(2, explain=True))
    queue.put(job(5))
    batches = [queue.take() for _ in range(3)]
    assert [(sizes(batch), batch[0].job.explain) for batch in batches] == [
        ([1], True),
        ([5], False),
        ([1], True),
    ]


def test_long_reviews_cost_more():
    assert cost_of("a" * 980, False) == 1
    assert cost_of("a" * 100_000, False) > 50
    assert cost_of("a", True) > 10


def test_a_full_queue_refuses_all_and_a_long_one_large_requests(queue):
    queue.put(job(1_000))
    queue.put(job(1_000, length=5_000))
    with pytest.raises(QueueFullError):
        queue.put(job(1_000))
    for _ in range(6):
        queue.put(job(1))
    assert queue.is_full
    with pytest.raises(QueueFullError):
        queue.put(job(1))


def test_a_request_that_was_given_up_is_not_scored(queue):
    gone = job(1_000)
    queue.put(gone)
    queue.put(job(1))
    gone.future.cancel()
    assert sizes(queue.take()) == [1]
    assert queue.waiting == 0


def test_a_closed_queue_gives_out_what_it_has(queue):
    queue.put(job(2))
    queue.close()
    with pytest.raises(QueueClosedError):
        queue.put(job(1))
    assert sizes(queue.take()) == [2]
    assert queue.take() is None


def test_taking_waits_for_a_job(queue):
    found = []
    thread = threading.Thread(target=lambda: found.append(queue.take()))
    thread.start()
    queue.put(job(1))
    thread.join(5)
    assert sizes(found[0]) == [1]


def test_answers_are_in_the_order_of_the_reviews_however_they_come():
    one = job(5)
    one.add(3, [{"n": 3}, {"n": 4}])
    one.add(0, [{"n": 0}, {"n": 1}])
    assert not one.future.done()
    one.add(2, [{"n": 2}])
    assert [answer["n"] for answer in one.future.result()] == [0, 1, 2, 3, 4]


def test_the_first_review_without_an_answer_ends_its_request():
    one = job(4)
    one.add(2, [{}, ValueError("no")])
    with pytest.raises(ReviewError, match="no") as error:
        one.future.result()
    assert error.value.place == 3 and one.is_over
    one.add(0, [{}, {}])


def test_every_thread_that_waits_is_told_of_the_end(queue):
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(queue.take())) for _ in range(3)]
    for thread in threads:
        thread.start()
    queue.close()
    for thread in threads:
        thread.join(5)
    assert taken == [None] * 3
