"""The HTTP interface, and the page.

    GET  /            the page
    GET  /models      the data set and the networks, the smallest first
    POST /predict     {"inputs": [...]} as the data set has them, or an image file (image/*)
    POST /draw        a drawing (image/*), cut out and brought to the set's form
    GET  /sample      a test sample with its label; ?index=N for a certain one

Answers are JSON. An error is {"error": "one line"} with a 4xx status. Inputs unlike all that was
trained on are answered, with what is unlike in "warnings".
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from sizewise.errors import UserError
from sizewise.serve.bodies import Asked, parse_image, parse_json
from sizewise.serve.models import Shelf

MOST_BYTES = 16_000_000  # of a request
MOST_CHARACTERS = 300  # of an error, which may quote what was sent
JSON_KINDS = (
    "",
    "application/json",
    "text/json",
    "text/plain",
    "application/x-www-form-urlencoded",
)
MOST_DIGITS = 9  # of an index
POLICY = (  # the page may ask for nothing but what this server has
    "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"
)


class Refused(Exception):
    """A request that is not answered: its status, and why in one line."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def create_app(shelf: Shelf) -> FastAPI:
    """Return the application that serves the networks of `shelf`."""
    app = FastAPI(title="sizewise", docs_url=None, redoc_url=None)
    page = resources.files("sizewise.serve").joinpath("page.html").read_text(encoding="utf-8")
    # One thread: the networks share the cores, and the loop stays free to answer.
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="networks")
    mean = float(np.mean(shelf.served[0].predictor.normalisation.mean))

    async def in_worker(work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(worker, work)
        except UserError as error:
            raise Refused(422, str(error)) from error

    def reply(asked: Asked) -> dict[str, Any]:
        answers = shelf.answer(asked.inputs, asked.models)
        found: dict[str, Any] = {"answers": answers, "warnings": shelf.warnings(asked.inputs)}
        return (
            found | {"done": asked.done, "inputs": asked.inputs.tolist()} if asked.done else found
        )

    @app.get("/", response_class=HTMLResponse)
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    @app.get("/models")
    async def list_models() -> Response:
        return JSONResponse(shelf.about())

    @app.get("/sample")
    async def give_sample(request: Request) -> Response:
        text = request.query_params.get("index")
        if text is not None and not (
            text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
        ):
            raise Refused(422, f"index={text[:20]} is not a number; expected one from 0 on")
        index = None if text is None else int(text)
        return JSONResponse(await in_worker(lambda: shelf.sample(index)))

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        kind = _kind(request)
        if not kind.startswith("image/") and kind not in JSON_KINDS:
            raise Refused(
                415, f"Content-Type {kind} is not read; expected application/json or image/png"
            )
        body = await _body(request)

        def work() -> dict[str, Any]:
            if kind.startswith("image/"):
                return reply(parse_image(body, shelf.spec, mean, drawn=False))
            return reply(parse_json(body, shelf.spec))

        return JSONResponse(await in_worker(work))

    @app.post("/draw")
    async def draw(request: Request) -> Response:
        if not _kind(request).startswith("image/"):
            raise Refused(415, "expected a drawing as an image file, Content-Type: image/png")
        body = await _body(request)
        return JSONResponse(
            await in_worker(lambda: reply(parse_image(body, shelf.spec, mean, drawn=True)))
        )

    _put_refusals_in_words(app)
    return app


def _put_refusals_in_words(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refuse(_: Request, error: Refused) -> Response:
        return JSONResponse({"error": _line(str(error))}, error.status)

    @app.exception_handler(HTTPException)
    async def refuse_path(request: Request, error: HTTPException) -> Response:
        known = "expected GET /, GET /models, GET /sample, POST /predict or POST /draw"
        reason = f"{error.detail}: {request.method} {request.url.path}; {known}"
        return JSONResponse({"error": _line(reason)}, error.status_code)


def _line(text: str) -> str:
    """Return an error as one line that can be sent, whatever it quotes."""
    line = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request) -> bytes:
    """Return the body, not reading on where it is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused(413, f"the body is longer than {MOST_BYTES:,} bytes")
    return bytes(body)
