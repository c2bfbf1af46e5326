"""The HTTP interface, and the page.

    GET  /            the page
    GET  /models      the data set and the networks, the smallest first
    GET  /sample      a test sample with its label; ?index=N for a certain one

Of networks that answer samples:

    POST /predict     {"inputs": [...]} as the data set has them, an image file (image/*), or a
                      table (text/csv) whose first line names the columns
    POST /explain     the same: what each network looks at, a map of each input
    POST /draw        a drawing (image/*), cut out and brought to the set's form
    GET  /survey      the networks over the whole test set: errors, and where they disagree

Of networks that answer prompts:

    POST /predict     {"prompt": "…"}, and of a text "bytes", "temperature" and "seed"

Answers are JSON. An error is {"error": "one line"} with a 4xx status. Inputs unlike all that was
trained on are answered, with which in "not_sure" and what is unlike in "warnings".
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from string import Template
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from sizewise.config import DataConfig
from sizewise.errors import UserError, printable
from sizewise.predict import Predictor, Prompted
from sizewise.records import RunRecord
from sizewise.serve.bodies import fault
from sizewise.serve.models import Served, Shelf
from sizewise.serve.prompts import PromptShelf, ServedPrompted
from sizewise.serve.routes import add_prompts, add_samples

MOST_CHARACTERS = 300  # of an error, which may quote what was sent
POLICY = (  # the page may ask for nothing but what this server has
    "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"
)

Network = tuple[Predictor | Prompted, RunRecord]


def shelf_of(networks: list[Network], data: DataConfig) -> Shelf | PromptShelf:
    """Return networks with the records of their runs as they are served together.

    Raises:
        UserError: they can't be asked the same.
    """
    samples = [Served(each, record) for each, record in networks if isinstance(each, Predictor)]
    prompts = [
        ServedPrompted(each, record) for each, record in networks if isinstance(each, Prompted)
    ]
    if samples and prompts:
        raise UserError(
            f"the runs are on {samples[0].spec.name} and {prompts[0].spec.name}, and only one of "
            "these is asked by prompts; serve each by itself, with --port"
        )
    return Shelf(samples, data) if samples else PromptShelf(prompts, data)


def create_app(shelf: Shelf | PromptShelf) -> FastAPI:
    """Return the application that serves the networks of `shelf`."""
    app = FastAPI(title="sizewise", docs_url=None, redoc_url=None)
    page = Template(_read("page.html")).substitute(
        style=_read("page.css"),
        main=_read(shelf.markup),
        script="".join(map(_read, shelf.script)),
    )
    # One thread: the networks share the cores, and the loop stays free to answer.
    worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="networks")

    async def answer(work: Callable[[], dict[str, Any]]) -> Response:
        return JSONResponse(await asyncio.get_running_loop().run_in_executor(worker, work))

    @app.get("/", response_class=HTMLResponse)
    async def show_page() -> Response:
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    @app.get("/models")
    async def list_models() -> Response:
        return JSONResponse(shelf.about())

    @app.get("/sample")
    async def give_sample(index: Annotated[int | None, Query(ge=0)] = None) -> Response:
        return await answer(lambda: shelf.sample(index))

    if isinstance(shelf, Shelf):
        add_samples(app, shelf, worker, answer)
    else:
        add_prompts(app, shelf, answer)

    @app.exception_handler(UserError)
    async def refuse(_: Request, error: UserError) -> Response:
        return _refusal(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def refuse_query(_: Request, error: RequestValidationError) -> Response:
        return _refusal(422, fault(error.errors()))

    @app.exception_handler(HTTPException)
    async def refuse_request(request: Request, error: HTTPException) -> Response:
        known = (route for route in app.routes if isinstance(route, APIRoute))
        ways = ", ".join(f"{min(route.methods or ())} {route.path}" for route in known)
        asked = f": {request.method} {request.url.path}; expected {ways}"
        return _refusal(error.status_code, error.detail + asked * (error.status_code in (404, 405)))

    return app


def _read(name: str) -> str:
    return resources.files("sizewise.serve").joinpath(name).read_text(encoding="utf-8")


def _refusal(status: int, text: str) -> Response:
    line = printable(text)
    line = line if len(line) <= MOST_CHARACTERS else f"{line[:MOST_CHARACTERS]}…"
    return JSONResponse({"error": line}, status)
