"""The application: which addresses there are, and what each of them answers."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from sentiment.inference.predictor import Predictor
from sentiment.serving.access_log import AccessLog
from sentiment.serving.answers import UnusableTextError
from sentiment.serving.callers import CallerRules
from sentiment.serving.gate import Application, Gate, fault_refusal
from sentiment.serving.jobs import JobQueue, QueueClosedError, QueueFullError, ReviewError
from sentiment.serving.limits import DEFAULT_LIMITS, Limits
from sentiment.serving.metrics import CONTENT_TYPE, Metrics
from sentiment.serving.mistakes import describe_mistake
from sentiment.serving.page import read_page
from sentiment.serving.refusals import BUSY, STOPPING, Refusal
from sentiment.serving.schemas import ErrorAnswer, HealthAnswer, ModelAnswer, PredictAnswer, PredictRequest
from sentiment.serving.worker import Worker

HASH_DIGITS = 12
STOP_SECONDS = 5.0
ABOUT = (
    "Says whether reviews are positive, or which other class they have, how sure the model is, and why. "
    "Every error is an object with the key `error`."
)
REFUSED = {
    400: "The body is not JSON.",
    403: "A web page of another site asks.",
    408: "The request came too slowly.",
    413: "Too much for one request.",
    415: "The Content-Type is not application/json.",
    421: "The header Host has a name that is not this server's.",
    422: "A key or a review is wrong.",
    429: "Too many reviews wait.",
    503: "The server stops, or had no time to answer.",
}


@dataclass
class Service:
    """A model that answers requests."""

    worker: Worker
    queue: JobQueue
    metrics: Metrics
    log: AccessLog
    model: dict[str, Any]
    """What GET /model answers."""
    limits: Limits

    async def predict(self, request: Request, asked: PredictRequest) -> Response:
        """Predict one review, or many: label, confidence, and on request what decided."""
        reviews = asked.reviews
        if asked.explain and len(reviews) > self.limits.explained:
            raise Refusal(
                413,
                f"explanations are for at most {self.limits.explained} reviews at once, not {len(reviews):,}",
            )
        try:
            answers = await self.worker.answer(reviews, asked.explain)
        except QueueFullError:
            raise Refusal(429, BUSY) from None
        except QueueClosedError:
            raise Refusal(503, STOPPING, ends_connection=True) from None
        except ReviewError as error:
            if isinstance(error.cause, UnusableTextError):
                raise Refusal(422, f"review {error.place + 1}: {error.cause}") from None
            raise error.cause from None
        request.state.reviews = len(answers)
        for one in answers:
            self.metrics.labels.labels(one["label"]).inc()
        return JSONResponse({"model": self.model["hash"][:HASH_DIGITS], "predictions": answers})

    async def health(self) -> Response:
        """Say whether the server answers."""
        if self.queue.is_closed:
            return JSONResponse({"status": "stopping"}, 503)
        if not self.worker.is_alive:
            return JSONResponse({"status": "failed"}, 503)
        return JSONResponse({"status": "ok"})

    async def describe(self) -> Response:
        """Return the model's name, hash, classes and figures."""
        return JSONResponse(self.model)

    async def measure(self) -> Response:
        """Return counts and times in the format of Prometheus."""
        self.metrics.waiting.set(self.queue.waiting)
        self.metrics.dropped_log_lines.set(self.log.dropped)
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)


def build_app(
    predictor: Predictor,
    model: dict[str, Any],
    rules: CallerRules,
    limits: Limits = DEFAULT_LIMITS,
    log: AccessLog | None = None,
    threads: int = 1,
) -> Application:
    """Return the whole application for a server; `model` is what GET /model answers.

    So many threads score. The predictor's own threads work for each of them.
    """
    metrics, log = Metrics(), log or AccessLog()
    queue = JobQueue(limits.waiting, limits.waiting_cost)
    worker = Worker(predictor, queue, metrics.observe_batch, threads)
    service = Service(worker, queue, metrics, log, model, limits)
    app = FastAPI(
        title="sentiment",
        description=ABOUT,
        version=model["version"],
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(service),
    )
    _add_routes(app, service)
    _add_errors(app)
    gate: Application = Gate(app, rules, limits, metrics, log, lambda: queue.is_full)
    return _allow_origins(gate, rules.origins)


def _lifespan(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.log.start()
        service.worker.start()
        yield
        service.worker.stop(STOP_SECONDS)
        service.log.stop(STOP_SECONDS)

    return lifespan


def _add_routes(app: FastAPI, service: Service) -> None:
    page = read_page()
    refused = {code: {"model": ErrorAnswer, "description": text} for code, text in REFUSED.items()}

    async def show_page() -> Response:
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    app.add_api_route(
        "/predict", service.predict, methods=["POST"], response_model=PredictAnswer, responses=refused
    )
    app.add_api_route("/health", service.health, response_model=HealthAnswer)
    app.add_api_route("/model", service.describe, response_model=ModelAnswer)
    app.add_api_route("/metrics", service.measure, response_class=Response)
    app.add_api_route("/", show_page, response_class=HTMLResponse, include_in_schema=False)


def _add_errors(app: FastAPI) -> None:
    async def refuse(request: Request, refusal: Refusal) -> Response:
        return Response(refusal.body, refusal.status, refusal.headers, "application/json")

    async def refuse_mistake(request: Request, error: RequestValidationError) -> Response:
        return await refuse(request, describe_mistake(error.errors()))

    async def refuse_path(request: Request, error: HTTPException) -> Response:
        message = {404: "no such address; see /openapi.json", 405: "this address takes another method"}
        text = message.get(error.status_code, "the body is not JSON")
        return JSONResponse({"error": text}, error.status_code, error.headers)

    async def refuse_fault(request: Request, error: Exception) -> Response:
        return await refuse(request, fault_refusal(error))

    app.add_exception_handler(Refusal, refuse)
    app.add_exception_handler(Exception, refuse_fault)
    app.add_exception_handler(RequestValidationError, refuse_mistake)
    app.add_exception_handler(HTTPException, refuse_path)


def _allow_origins(application: Application, origins: Sequence[str]) -> Application:
    if not origins:
        return application
    allowing: Application = CORSMiddleware(
        application,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Content-Type"],
    )
    return allowing
