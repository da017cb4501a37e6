"""A made-up minor version: a table and a few rows, made into C beside the sources, linked in place of the known ones,
and served. test_minor_version.py BUILD_FOLDER"""
import copy
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1)).resolve()

# Writes an event of the made-up version, and a message with a segment of it, in each dialect.
EVENTS = r"""
#include "protocol/event.h"
#include "protocol/tables.h"
#include <stdio.h>
static void write_all(const char *name, const char *text)
{
    yyjson_doc *read = yyjson_read(text, strlen(text), 0);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, NULL);
    struct mk_event event = { .type = mk_event_type_find(mk_slice_str(name)), .self_id = 10001, .time = 1,
                              .data = yyjson_mut_doc_get_root(doc) };
    if (!event.type || mk_event_check(&event) < 0)
        return;
    for (size_t i = 0; i < mk_dialect_count; i++) {
        struct mk_arena arena;
        struct mk_buf out;
        mk_arena_init(&arena);
        mk_buf_init(&out, 1 << 16);
        printf("%s ", mk_dialect_name((enum mk_dialect)i));
        if (!mk_event_type_is_in(event.type, (enum mk_dialect)i))
            printf("null");
        else if (mk_event_write(&out, &event, (enum mk_dialect)i, MK_ENVELOPE_BARE, &arena) == 0)
            printf("%.*s", (int)out.len, out.data);
        printf("\n");
        mk_buf_fini(&out);
        mk_arena_fini(&arena);
    }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
}
int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2)
        write_all(argv[i], argv[i + 1]);
    return 0;
}
"""


def load(name):
    return json.loads((ROOT / "spec" / name).read_text())


def made_up():
    """The newest table with a further API, param, event, segment and result field."""
    table = copy.deepcopy(load("milky-1.3.json"))
    table["milky_version"] = "1.4"
    table["apis"]["get_hologram"] = {"category": "message", "params": {"group_id": {"type": "uin"}},
                                     "result": {"title": {"type": "string"}}}
    table["apis"]["get_login_info"]["result"]["shoe_size"] = {"type": "uint", "optional": True, "nullable": True}
    table["events"]["group_hologram"] = {"group_id": {"type": "uin"}}
    table["structs"]["IncomingSegment"]["variants"]["hologram"] = {"title": {"type": "string"}}
    return table


def command_of(target, ending):
    lines = subprocess.check_output(["ninja", "-C", BUILD, "-t", "commands", target], text=True).splitlines()
    line = [line for line in lines if f"-o {ending}" in line][-1]
    return [word for word in shlex.split(line) if word != "ccache"]


class Version:
    """What is built of the made-up table in a temporary folder."""

    def __init__(self, folder):
        self.folder = folder
        dialects = load("dialects.json")
        dialects["structs"]["IncomingSegment"][0]["rest"]["hologram"] = "[hologram: {title}]"
        dialects["minors"]["1.3"] = {"IncomingSegment": {"rest": {"hologram": "[hologram: {title}]"}}}
        self.write("milky-1.4.json", json.dumps(made_up()))
        self.write("dialects.json", json.dumps(dialects))
        spec = ROOT / "spec"
        tables = [folder / "milky-1.4.json", spec / "milky-1.3.json", spec / "milky-1.2.json"]
        self.python("generate.py", *tables, spec / "milky-draft.json", folder / "dialects.json", folder / "protocol.c")
        for form in ("tables", "help"):
            self.python("generate_sandbox.py", form, tables[0], spec / "sandbox.json", folder / f"{form}.c")
        objects = [self.compile(name) for name in ("protocol", "tables", "help", "events")]
        self.milky = self.link(objects[:3], "milky")
        self.events = self.link(objects[:1] + objects[3:], "events")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    @staticmethod
    def python(script, *words):
        subprocess.run([sys.executable, ROOT / "spec" / script, *words], check=True)

    def compile(self, name):
        if name == "events":
            self.write("events.c", EVENTS)
        known = command_of("milky", "src/libmilky.a.p/meson-generated_.._protocol_protocol_tables.c.o")
        drop = {known.index(flag) + i for flag in ("-MF", "-MQ", "-o", "-c") for i in (0, 1)}
        words = [word for i, word in enumerate(known) if i not in drop and word != "-MD"]
        out = self.folder / f"{name}.o"
        subprocess.run([*words, "-O0", "-Wno-missing-prototypes", f"-I{ROOT}/src/cli", "-o", out, "-c", self.folder / f"{name}.c"], cwd=BUILD,
                       check=True)
        return out

    def link(self, objects, name):
        """The program's own command, with these objects before its libraries."""
        words = command_of("milky", "milky ")
        at = next(i for i, word in enumerate(words) if word.endswith("cli_main.c.o"))
        mine = [str(path) for path in objects]
        words[at:at + 1] = [words[at], *mine] if name == "milky" else mine
        words[words.index("-o") + 1] = str(self.folder / name)
        subprocess.run(words, cwd=BUILD, check=True)
        return self.folder / name


class MadeUpVersion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="milky-minor-")
        cls.version = Version(pathlib.Path(cls.temporary.name))

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def post(self, base, api):
        asked = urllib.request.Request(f"{base}{api}", b'{"group_id": 700000001}', {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def test_is_served(self):
        folder = self.version.folder
        config = {"bots": [{"self_id": 10001000, "events": {"types": ["group_hologram"]}, "http_server": [
            {"listen": "127.0.0.1:0"}, {"listen": "127.0.0.1:0", "dialect": "1.3"},
            {"listen": "127.0.0.1:0", "dialect": "1.2"}]}]}
        del config["bots"][0]["events"]
        config["bots"][0]["http_server"][0]["events"] = {"types": ["group_hologram"]}
        (folder / "milky.jsonc").write_text(json.dumps(config))
        with subprocess.Popen([self.version.milky, "serve"], cwd=folder, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, env={"LC_ALL": "C"}) as milky:
            ports = []
            for line in milky.stdout:
                if "http_server" in line:
                    ports.append(line.split("http://127.0.0.1:")[1].split("/")[0].split()[0])
                if line.startswith("ready"):
                    break
            try:
                newest, older, oldest = (f"http://127.0.0.1:{port}/api/" for port in ports[:3])
                versions = [self.post(base, "get_impl_info")["data"]["milky_version"] for base in (newest, older, oldest)]
                self.assertEqual(versions, ["1.4", "1.3", "1.2"])
                codes = [self.post(base, "get_hologram")["retcode"] for base in (newest, older, oldest)]
                self.assertEqual(codes, [-501, -404, -404])
                codes = [self.post(base, "persist_group_file")["retcode"] for base in (newest, older, oldest)]
                self.assertEqual(codes, [-400, -400, -404])
            finally:
                milky.terminate()

    def test_older_dialects_get_none_of_it(self):
        message = {"message_scene": "group", "peer_id": 700000001, "message_seq": 1, "sender_id": 10003001, "time": 1,
                   "segments": [{"type": "hologram", "data": {"title": "cat"}}, {"type": "markdown", "data": {"content": "**m**"}}],
                   "group": {"group_id": 700000001, "group_name": "g", "member_count": 1, "max_member_count": 2, "remark": "",
                             "created_time": 1, "description": "", "question": "", "announcement": ""},
                   "group_member": {"user_id": 10003001, "nickname": "n", "sex": "male", "group_id": 700000001, "card": "",
                                    "title": "", "level": 1, "role": "member", "join_time": 1, "last_sent_time": 1}}
        written = subprocess.check_output([self.version.events, "group_hologram", '{"group_id": 700000001}',
                                           "message_receive", json.dumps(message)], text=True)
        lines = [(name, json.loads(event)) for name, event in (line.split(" ", 1) for line in written.splitlines())]
        self.assertEqual([name for name, _ in lines], ["draft", "1.4", "1.3", "1.2"] * 2)
        own = [event and event["event_type"] for _, event in lines[:4]]
        self.assertEqual(own, ["group_hologram", "group_hologram", None, None])
        kinds = [[(segment["type"], *segment["data"].values()) for segment in event["data"]["segments"]] for _, event in lines[4:]]
        shown, markdown = ("text", "[hologram: cat]"), ("text", "**m**")
        self.assertEqual(kinds, [[shown, markdown], [("hologram", "cat"), ("markdown", "**m**")],
                                 [shown, ("markdown", "**m**")], [("text", "[hologram]"), markdown]])


if __name__ == "__main__":
    unittest.main()
