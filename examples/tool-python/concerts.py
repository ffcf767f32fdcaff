"""A tool for pfr in Python: finds concerts of an artist or in a city."""

import argparse
import asyncio
import json
import pathlib
import unicodedata
from datetime import date, timedelta

from pfr_tool import Spec, Tool

DATA = json.loads((pathlib.Path(__file__).parent / "concerts.json").read_text(encoding="utf-8"))

PARAMS = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "artist": {"type": "string", "description": "who plays", "minLength": 1, "maxLength": 1024},
        "city": {"type": "string", "description": "where", "minLength": 1, "maxLength": 1024},
        "genres": {"type": "array", "description": "any of these", "maxItems": 8, "items": {"type": "string", "maxLength": 1024}},
        "weeks": {"type": "integer", "description": "from now at most", "minimum": 1, "maximum": 52},
    },
    "additionalProperties": False,
}


def fold(text: str) -> str:
    """Case, accents and white space do not matter."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def find(params: dict, limit: int) -> list:
    """Returns concerts, soonest first."""
    today = date.fromisoformat(DATA["as_of"])
    until = today + timedelta(weeks=params.get("weeks", 52))
    wanted = {fold(g) for g in params.get("genres", [])}
    out = []
    for c in sorted(DATA["concerts"], key=lambda c: c["date"]):
        day = date.fromisoformat(c["date"])
        if not today <= day <= until or wanted and not wanted & set(c["genres"]):
            continue
        if any(fold(params[key]) != fold(c[key]) for key in ("artist", "city") if key in params):
            continue
        out.append({
            "id": "concert:" + c["id"], "type": "concert", "title": f'{c["artist"]}, {c["venue"]}', "subtitle": c["city"],
            "artists": [c["artist"]], "genres": c["genres"], "release_date": c["date"], "synthetic": True,
            "score": round(1 / (1 + (day - today).days / 30), 3), "why": f"in {(day - today).days} days",
        })
    return out[:limit]


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--nats", default="nats://127.0.0.1:4222", help="address of the NATS server")
    flags.add_argument("--workers", type=int, default=8, help="calls at once")
    flags.add_argument("--queue", type=int, default=32, help="calls that wait; more are refused")
    flags.add_argument("--pause", type=float, default=0, help="seconds before each answer, to see what load does")
    args = flags.parse_args()

    async def answer(params: dict, limit: int) -> list:
        await asyncio.sleep(args.pause)
        return find(params, limit)

    spec = Spec(
        name="concerts", version="1.0.0", purpose="finds concerts of an artist or in a city", data=DATA["version"], params=PARAMS,
        example={"query": "concerts in utrecht", "params": {"city": "Utrecht", "weeks": 8}}, results=["concert"], cache_seconds=600,
    )

    async def serve() -> None:
        tool = Tool(spec, answer, workers=args.workers, queue=args.queue)
        await tool.serve(args.nats, ready=lambda: print("concerts is served", flush=True))

    asyncio.run(serve())


if __name__ == "__main__":
    main()
