#!/usr/bin/env python3
"""echo: the backend of echo.c in Python, on the installed library, through ctypes and JSON text.

python3 echo.py 3000"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint64, c_void_p

SELF_ID = 10001
lib = ctypes.CDLL(os.environ.get("LIBMILKY", "libmilky.so.1"))

Start = CFUNCTYPE(c_int, c_void_p, c_void_p)
Call = CFUNCTYPE(None, c_void_p, c_uint64)


# Structs of milky/milky.h and milky/backend.h, as far as they are needed: their size says how far that is.
class Backend(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("keeps_events", c_bool), ("start", Start), ("call", Call)]


class Server(Structure):
    _fields_ = [("size", c_size_t), ("listen", c_char_p), ("access_token", c_char_p), ("allow_anonymous", c_bool),
                ("prefix", c_char_p), ("tls", c_char_p * 8), ("dialect", c_int)]


class Bot(Structure):
    _fields_ = [("size", c_size_t), ("self_id", c_uint64), ("backend", c_char_p),
                ("http_server", POINTER(Server)), ("http_server_count", c_size_t),
                ("websocket_server", POINTER(Server)), ("websocket_server_count", c_size_t)]


class BackendEntry(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("table", POINTER(Backend)), ("self", c_void_p)]


class Config(Structure):
    _fields_ = [("size", c_size_t), ("backends", POINTER(BackendEntry)), ("backend_count", c_size_t),
                ("bots", POINTER(Bot)), ("bot_count", c_size_t)]


class Error(Structure):
    _fields_ = [("size", c_size_t), ("path", c_char * 128), ("expected", c_char * 256), ("got", c_char * 128),
                ("text", c_char * 768)]


class Port(Structure):
    _fields_ = [("size", c_size_t), ("self_id", c_uint64), ("transport", c_char_p), ("address", c_char_p),
                ("entry", c_size_t)]


class Impl(Structure):
    _fields_ = [("size", c_size_t), ("impl_name", c_char_p), ("impl_version", c_char_p),
                ("qq_protocol_version", c_char_p), ("qq_protocol_type", c_char_p)]


lib.milky_call_action.restype = lib.milky_call_params_json.restype = c_char_p
lib.milky_call_action.argtypes = [c_void_p, c_uint64]
lib.milky_call_params_json.argtypes = [c_void_p, c_uint64, POINTER(c_size_t)]
lib.milky_call_ok_json.argtypes = [c_void_p, c_uint64, c_char_p, c_size_t]
lib.milky_call_fail_text.argtypes = [c_void_p, c_uint64, c_int, c_char_p]
lib.milky_emit_json.argtypes = [c_void_p, c_uint64, c_char_p, c_uint64, c_char_p, c_size_t, c_char_p, c_void_p]
lib.milky_host_supports.argtypes = [c_void_p, c_uint64, POINTER(c_char_p), c_size_t]
lib.milky_host_set_impl.argtypes = [c_void_p, c_uint64, POINTER(Impl)]
lib.milky_endpoint_step.restype = c_bool
lib.milky_endpoint_port.restype = c_bool
for name in ("start", "step", "stop", "free", "port", "fd", "timeout"):
    getattr(lib, f"milky_endpoint_{name}").argtypes = [c_void_p, *{"start": [c_void_p], "port": [c_size_t, c_void_p]}.get(name, [])]


class Echo:
    """The backend: what it knows is its host and the last message's number."""

    def __init__(self):
        self.host, self.last_seq = None, 0
        self.table = Backend(ctypes.sizeof(Backend), b"echo", False, Start(self.start), Call(self.call))

    def start(self, _self, host):
        self.host = host
        names = [b"get_login_info", b"get_impl_info", b"send_private_message"]
        impl = Impl(ctypes.sizeof(Impl), b"echo", b"1.0", b"9.9.9", b"linux")
        return (lib.milky_host_supports(host, 0, (c_char_p * len(names))(*names), len(names))
                or lib.milky_host_set_impl(host, 0, byref(impl)))

    def call(self, _self, call):
        try:
            action = lib.milky_call_action(self.host, call).decode()
            params = json.loads(lib.milky_call_params_json(self.host, call, None))
            result = json.dumps(getattr(self, action)(**params)).encode()
        except Exception as error:  # the bot gets it, and the backend lives on
            lib.milky_call_fail_text(self.host, call, -1, str(error).encode())
        else:
            lib.milky_call_ok_json(self.host, call, result, len(result))

    def get_login_info(self):
        return {"uin": SELF_ID, "nickname": "Echo"}

    def send_private_message(self, user_id, message):
        now, self.last_seq = int(time.time()), self.last_seq + 2
        event = json.dumps({"message_scene": "temp", "peer_id": user_id, "message_seq": self.last_seq,
                            "sender_id": user_id, "time": now, "segments": message}).encode()
        if lib.milky_emit_json(self.host, SELF_ID, b"message_receive", now, event, len(event), None, None) < 0:
            raise ValueError("only text can be echoed")
        return {"message_seq": self.last_seq - 1, "time": now}


def serve(endpoint):
    """Until it has stopped. milky_endpoint_run would do the same, but Python sees no signal in it."""
    while lib.milky_endpoint_step(endpoint):
        wait = lib.milky_endpoint_timeout(endpoint)
        select.select([lib.milky_endpoint_fd(endpoint)], [], [], None if wait < 0 else wait / 1000)


def main():
    echo = Echo()
    server = Server(ctypes.sizeof(Server), f"127.0.0.1:{(sys.argv[1:] or ['3000'])[0]}".encode())
    bot = Bot(ctypes.sizeof(Bot), SELF_ID, None, ctypes.pointer(server), 1, ctypes.pointer(server), 1)
    entry = BackendEntry(ctypes.sizeof(BackendEntry), b"echo", ctypes.pointer(echo.table), None)
    config = Config(ctypes.sizeof(Config), ctypes.pointer(entry), 1, ctypes.pointer(bot), 1)
    error, endpoint, port = Error(ctypes.sizeof(Error)), c_void_p(), Port(ctypes.sizeof(Port))
    failed = lib.milky_endpoint_new(byref(config), byref(endpoint), byref(error)) or lib.milky_endpoint_start(
        endpoint, byref(error))
    if failed:
        sys.exit(error.text.decode())
    index = 0
    while lib.milky_endpoint_port(endpoint, index, byref(port)):
        print(port.transport.decode(), port.address.decode())
        index += 1
    print("ready", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        serve(endpoint)
    except (KeyboardInterrupt, SystemExit):
        lib.milky_endpoint_stop(endpoint)
        serve(endpoint)
    lib.milky_endpoint_free(endpoint)


main()
