"""The HTTP interface, and the page.

    GET  /            the page
    GET  /models      the data set and the networks, the smallest first
    POST /predict     {"inputs": [...]} as the data set has them, an image file (image/*), or a
                      table (text/csv) whose first line names the columns
    POST /explain     the same: what each network looks at, a map of each input
    POST /draw        a drawing (image/*), cut out and brought to the set's form
    GET  /sample      a test sample with its label; ?index=N for a certain one
    GET  /survey      the networks over the whole test set: errors, and where they disagree

Answers are JSON. An error is {"error": "one line"} with a 4xx status. Inputs unlike all that was
trained on are answered, with which in "not_sure" and what is unlike in "warnings".
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import resources
from string import Template
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from sizewise.data.own.named import channels
from sizewise.errors import UserError, printable
from sizewise.serve.bodies import Asked, fault, parse_image, parse_json, parse_table
from sizewise.serve.models import Shelf

MOST_BYTES = 16_000_000  # of a request
MOST_CHARACTERS = 300  # of an error, which may quote what was sent
BATCH_SIZE = 200  # of the survey: a request waits for one batch at most
WAYS = (
    "expected GET /, GET /models, GET /sample, GET /survey, POST /predict, POST /explain or "
    "POST /draw"
)
POLICY = (  # the page may ask for nothing but what this server has
    "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"
)


def create_app(shelf: Shelf) -> FastAPI:
    """Return the application that serves the networks of `shelf`."""
    app = FastAPI(title="sizewise", docs_url=None, redoc_url=None)
    page = Template(_read("page.html")).substitute(
        style=_read("page.css"), script="".join(map(_read, ("inputs.js", "maps.js", "page.js")))
    )
    # One thread: the networks share the cores, and the loop stays free to answer.
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="networks")

    survey: asyncio.Task[dict[str, Any]] | None = None

    async def answer(work: Callable[[], dict[str, Any]]) -> Response:
        return JSONResponse(await asyncio.get_running_loop().run_in_executor(worker, work))

    def ask(asked: Asked) -> dict[str, Any]:
        answers = shelf.answer(asked.inputs, asked.models)
        changed: dict[str, Any] = {"done": asked.done} if asked.done else {}
        if asked.names:
            changed["names"] = asked.names
        elif asked.done:  # an image, which is shown as the networks see it
            changed["inputs"] = asked.inputs.tolist()
        return {"answers": answers} | shelf.doubts(asked.inputs) | changed

    def show_maps(asked: Asked) -> dict[str, Any]:
        table = shelf.form.table if shelf.spec.kind == "row" else None
        columns = channels(table) if table else ()
        return {"explained": shelf.explain(asked.inputs, asked.models), "columns": columns}

    async def take_survey() -> dict[str, Any]:
        count = await asyncio.to_thread(shelf.read)  # may download: requests don't wait for it
        classes = []
        for start in range(0, count, BATCH_SIZE):
            batch = partial(shelf.told, start, start + BATCH_SIZE)
            classes.append(await asyncio.get_running_loop().run_in_executor(worker, batch))
        return shelf.survey(np.concatenate(classes, axis=1))

    @app.get("/", response_class=HTMLResponse)
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    @app.get("/models")
    async def list_models() -> Response:
        return JSONResponse(shelf.about())

    @app.get("/sample")
    async def give_sample(index: Annotated[int | None, Query(ge=0)] = None) -> Response:
        return await answer(lambda: shelf.sample(index))

    @app.get("/survey")
    async def give_survey() -> Response:
        nonlocal survey
        survey = survey or asyncio.create_task(take_survey())
        if not survey.done():
            return JSONResponse({}, 202)
        taken, survey = survey, None if survey.exception() else survey  # a failed one is tried anew
        return JSONResponse(taken.result())

    async def parser(request: Request) -> Callable[[], Asked]:
        kind = request.headers.get("content-type", "").lower()
        body = await _body(request)
        if shelf.form.table and kind.startswith("text/csv"):
            return partial(parse_table, body, shelf.form)
        if kind.startswith("image/"):
            return partial(parse_image, body, shelf.form, drawn=False)
        return partial(parse_json, body, shelf.form)

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        parse = await parser(request)
        return await answer(lambda: ask(parse()))

    @app.post("/explain")
    async def explain(request: Request) -> Response:
        parse = await parser(request)
        return await answer(lambda: show_maps(parse()))

    @app.post("/draw")
    async def draw(request: Request) -> Response:
        body = await _body(request)
        return await answer(lambda: ask(parse_image(body, shelf.form, drawn=True)))

    @app.exception_handler(UserError)
    async def refuse(_: Request, error: UserError) -> Response:
        return _refusal(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def refuse_query(_: Request, error: RequestValidationError) -> Response:
        return _refusal(422, fault(error.errors()))

    @app.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> Response:
        asked = f": {request.method} {request.url.path}; {WAYS}"
        return _refusal(error.status_code, error.detail + asked * (error.status_code in (404, 405)))

    return app


def _read(name: str) -> str:
    return resources.files("sizewise.serve").joinpath(name).read_text(encoding="utf-8")


def _refusal(status: int, text: str) -> Response:
    line = printable(text)
    line = line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"
    return JSONResponse({"error": line}, status)


async def _body(request: Request) -> bytes:
    """Return the body, not reading on where it is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"the body is longer than {MOST_BYTES:,} bytes")
    return bytes(body)
