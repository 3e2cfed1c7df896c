"""One method a library. Each follows redirects, streams what it gets and says how long it was."""

import asyncio
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import httpx
import requests

CA = str(Path(__file__).with_name("tls.pem"))


class Clients:
    def __init__(self, config):
        pass

    async def execute(self, context):
        ask = getattr(self, "by_" + context["by"])
        try:
            if asyncio.iscoroutinefunction(ask):
                return await ask(context["url"])
            return await asyncio.to_thread(ask, context["url"])
        except (OSError, httpx.HTTPError, aiohttp.ClientError) as e:
            return {"error": f"{type(e).__name__}: {e}"}

    def by_urllib(self, url):
        trust = ssl.create_default_context(cafile=CA)
        try:
            with urllib.request.urlopen(url, timeout=30, context=trust) as answer:
                length = 0
                while piece := answer.read(65536):
                    length += len(piece)
                return {"status": answer.status, "length": length}
        except urllib.error.HTTPError as e:
            return {"status": e.code, "text": e.read().decode()}

    def by_requests(self, url):
        with requests.get(url, timeout=30, stream=True, verify=CA) as answer:
            if answer.status_code >= 400:
                return {"status": answer.status_code, "text": answer.text}
            length = sum(len(piece) for piece in answer.iter_content(65536))
            return {"status": answer.status_code, "length": length}

    async def by_httpx(self, url):
        trust = ssl.create_default_context(cafile=CA)
        async with httpx.AsyncClient(verify=trust, timeout=30, follow_redirects=True) as client:
            async with client.stream("GET", url) as answer:
                if answer.status_code >= 400:
                    return {"status": answer.status_code, "text": (await answer.aread()).decode()}
                length = 0
                async for piece in answer.aiter_bytes():
                    length += len(piece)
                return {"status": answer.status_code, "length": length}

    async def by_aiohttp(self, url):
        trust = ssl.create_default_context(cafile=CA)
        async with aiohttp.ClientSession() as session:
            async with session.get(url, ssl=trust) as answer:
                if answer.status >= 400:
                    return {"status": answer.status, "text": await answer.text()}
                length = 0
                async for piece in answer.content.iter_chunked(65536):
                    length += len(piece)
                return {"status": answer.status, "length": length}
