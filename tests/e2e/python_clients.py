"""Run by other_clients.test.mjs: the same basic flow with Debian's aiohttp and websockets.

    python_clients.py HTTP_BASE WS_URL OTHER_HTTP_BASE TOKEN

The bot at HTTP_BASE and WS_URL asks for TOKEN; the one at OTHER_HTTP_BASE asks for nothing, and what it
says in the group is an event for the first.
"""
import asyncio
import json
import sys
from urllib.parse import quote

import aiohttp
import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Deflate

BASE, URL, OTHER, TOKEN = sys.argv[1:]
GROUP = 700000001
LIMIT = 15  # seconds
LONG = "牛奶 milk " * 500  # long enough to be compressed


def message(words):
    return {"group_id": GROUP, "message": [{"type": "text", "data": {"text": words}}]}


async def post(session, base, action, params=None, **options):
    async with session.post(f"{base}/{action}", json=params or {}, **options) as response:
        return response.status, await response.json()


async def over_http(session):
    bearer = {"Authorization": "Bearer " + TOKEN}
    assert (await post(session, BASE, "get_login_info"))[0] == 401
    assert (await post(session, BASE, "get_login_info", headers={"Authorization": "Bearer x"}))[0] == 403
    status, body = await post(session, BASE, "send_group_message", message("你好"), headers=bearer)
    assert (status, body["status"], body["retcode"]) == (200, "ok", 0), body
    status, body = await post(session, BASE, "get_message", {"message_id": body["data"]["message_id"]}, headers=bearer)
    assert body["data"]["message"]["segments"][0]["data"]["text"] == "你好", body
    assert (await post(session, BASE, "no_such_api", headers=bearer))[0] == 404
    assert (await post(session, BASE, "get_friend_info", headers=bearer))[0] == 400
    async with session.get(f"{BASE}/get_login_info", headers=bearer) as response:
        assert response.status == 405 and response.headers["Allow"] == "POST"
    async with session.post(f"{BASE}/get_login_info", data="{}", headers=bearer) as response:
        assert response.status == 406
    replies = await asyncio.gather(*(post(session, BASE, "get_login_info", headers=bearer) for _ in range(50)))
    assert all(status == 200 and body["retcode"] == 0 for status, body in replies)
    # A body of unknown length: chunked.
    async def pieces():
        yield b'{"user_id":'
        yield b"10003001}"
    headers = {**bearer, "Content-Type": "application/json"}
    async with session.post(f"{BASE}/get_friend_info", data=pieces(), headers=headers) as response:
        assert (await response.json())["data"]["nickname"] == "小明"


async def converse(session, send, receive):
    """Calls and an event on one WebSocket, whatever library it is of."""
    await send(json.dumps({"action": "get_login_info", "params": {}, "echo": {"n": 1}}))
    reply = json.loads(await receive())
    assert reply["post_type"] == "action_response" and reply["data"]["echo"] == {"n": 1}, reply
    await send("nonsense")
    assert json.loads(await receive())["data"]["retcode"] == -400
    for words in ("ping", LONG, "pong"):
        await post(session, OTHER, "send_group_message", message(words))
        event = json.loads(await receive())
        assert event["post_type"] == "event" and event["data"]["event_type"] == "message_receive", event
        assert event["data"]["data"]["segments"][0]["data"]["text"] == words, event
    for echo in (LONG, "short", LONG * 50, ""):
        await send(json.dumps({"action": "get_login_info", "echo": echo}))
        assert json.loads(await receive())["data"]["echo"] == echo
    for i in range(100):
        await send(json.dumps({"action": "get_login_info", "echo": i}))
    assert [json.loads(await receive())["data"]["echo"] for _ in range(100)] == list(range(100))


# Its name and signature changed with version 14 of the library.
Refused = getattr(websockets, "InvalidStatus", None) or websockets.InvalidStatusCode


def status_of(refusal):
    return refusal.response.status_code if hasattr(refusal, "response") else refusal.status_code


async def with_websockets(session):
    for url, expected in ((URL, 401), (URL + "?access_token=wrong", 403)):
        try:
            await websockets.connect(url)
            raise AssertionError("it let us in")
        except (Refused, getattr(websockets, "InvalidStatusCode", Refused)) as refusal:
            assert status_of(refusal) == expected, refusal
    async with websockets.connect(f"{URL}?access_token={quote(TOKEN)}") as socket:
        await converse(session, socket.send, socket.recv)
        await asyncio.wait_for(await socket.ping(b"hello"), LIMIT)
        # A message in fragments, which this library sends for an iterable.
        await socket.send(['{"action":"get_login', '_info","echo":"frag', 'ments"}'])
        assert json.loads(await socket.recv())["data"]["echo"] == "fragments"
    assert socket.close_code == 1000, socket.close_code
    await compressing_or_not(session)


async def compressing_or_not(session):
    """This library offers permessage-deflate with a window of 4 KiB by default."""
    for factory, agreed in (
        (dict(), True),
        (dict(compression=None), False),
        (dict(extensions=[Deflate(server_no_context_takeover=True, client_no_context_takeover=True)]), True),
        (dict(extensions=[Deflate(server_max_window_bits=15, client_max_window_bits=9)]), True),
        (dict(extensions=[Deflate(server_max_window_bits=9)]), False),
    ):
        async with websockets.connect(f"{URL}?access_token={quote(TOKEN)}", **factory) as socket:
            extensions = getattr(socket, "extensions", None) or getattr(socket, "protocol", socket).extensions
            assert bool(extensions) == agreed, (factory, extensions)
            await converse(session, socket.send, socket.recv)


async def with_aiohttp(session):
    try:
        await session.ws_connect(URL)
        raise AssertionError("it let us in")
    except aiohttp.WSServerHandshakeError as refusal:
        assert refusal.status == 401, refusal
    headers = {"Authorization": "Bearer " + TOKEN}
    async with session.ws_connect(URL, headers=headers, heartbeat=30) as socket:
        await converse(session, socket.send_str, socket.receive_str)
        await socket.close(code=4000)
    assert socket.close_code == 4000, socket.close_code
    # The window that it requests of us, and its own once it is negotiated.
    for bits, agreed in ((9, 0), (12, 15), (15, 15)):
        async with session.ws_connect(URL, headers=headers, compress=bits) as socket:
            assert socket.compress == agreed, socket.compress
            await converse(session, socket.send_str, socket.receive_str)


async def main():
    async with aiohttp.ClientSession() as session:
        for part in (over_http, with_websockets, with_aiohttp):
            await asyncio.wait_for(part(session), LIMIT)
    print("done")


asyncio.run(main())
