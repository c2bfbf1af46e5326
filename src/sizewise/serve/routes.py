"""The parts of the HTTP interface that belong to what the networks are asked."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from functools import partial
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from sizewise.data.own.named import channels
from sizewise.serve.bodies import Asked, parse_image, parse_json, parse_table
from sizewise.serve.models import Shelf
from sizewise.serve.prompts import PromptShelf, parse_prompt

Answer = Callable[[Callable[[], dict[str, Any]]], Awaitable[Response]]

MOST_BYTES = 16_000_000  # of a request
BATCH_SIZE = 200  # of the survey: a request waits for one batch at most


def add_prompts(app: FastAPI, shelf: PromptShelf, answer: Answer) -> None:
    """Add the routes of networks that answer prompts; `answer` runs what the networks do."""

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        body = await _body(request)
        return await answer(lambda: shelf.answer(parse_prompt(body)))


def add_samples(app: FastAPI, shelf: Shelf, worker: Executor, answer: Answer) -> None:
    """Add the routes of networks that answer samples; `answer` runs what they do, in `worker`."""
    survey: asyncio.Task[dict[str, Any]] | None = None

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


async def _body(request: Request) -> bytes:
    """Return the body, not reading on where it is too long."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"the body is longer than {MOST_BYTES:,} bytes")
    return bytes(body)
