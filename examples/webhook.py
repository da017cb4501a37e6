"""Method 2, WebHook: milky posts events, the response calls. 方式二：事件上报，响应里直接调用 API。"""
import sys
from aiohttp import web

async def on_event(request):
    event = await request.json()
    print(request.headers["X-Self-ID"], event["event_type"], event["data"].get("segments"), flush=True)
    if event["event_type"] != "message_receive" or event["data"]["message_type"] != "group":
        return web.Response(status=204)
    params = {"group_id": event["data"]["group_id"], "message": event["data"]["segments"]}
    return web.json_response({"action": "send_group_message", "params": params})

app = web.Application()
app.router.add_post("/hook", on_event)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8081, print=None)
