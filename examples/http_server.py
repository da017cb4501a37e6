"""Method 1, HTTP server: the bot calls APIs. 方式一：机器人通过 HTTP 调用 API。"""
import json, sys, urllib.request

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3000"

def call(action, **params):
    request = urllib.request.Request(f"{BASE}/{action}", json.dumps(params).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request))

print(call("get_login_info"))
print(call("send_group_message", group_id=700000001, message=[{"type": "text", "data": {"text": "你好，世界！"}}]))
