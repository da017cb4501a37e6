"""Method 3, WebSocket server: the bot connects to milky. 方式三：机器人连接 milky。"""
import asyncio, sys, aiohttp

async def main(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
        async for frame in ws:
            message = frame.json()
            print(message["post_type"], message["data"], flush=True)
            if message["post_type"] == "event" and message["data"]["data"].get("message_type") == "group":
                said = message["data"]["data"]
                params = {"group_id": said["group_id"], "message": said["segments"]}
                await ws.send_json({"action": "send_group_message", "params": params, "echo": said["message_id"]})

asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:3000/"))
