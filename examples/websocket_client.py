"""Method 4, WebSocket client: milky connects to the bot. 方式四：milky 主动连接机器人。"""
import sys
from aiohttp import web

async def on_connect(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    print("connected:", request.headers["X-Self-ID"], request.query.get("access_token"), flush=True)
    async for frame in ws:
        message = frame.json()
        print(message["post_type"], message["data"], flush=True)
        if message["post_type"] == "event" and message["data"]["data"].get("message_type") == "group":
            said = message["data"]["data"]
            params = {"group_id": said["group_id"], "message": said["segments"]}
            await ws.send_json({"action": "send_group_message", "params": params, "echo": said["message_id"]})
    return ws

app = web.Application()
app.router.add_get("/", on_connect)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8082, print=None)
