"""scripts/check-includes on trees of a few files: what it reports, its messages, and what it accepts."""

import importlib.machinery
import importlib.util
import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-includes"


def load():
    """The script as a module of its own, with no exceptions and no folders."""
    loader = importlib.machinery.SourceFileLoader("check_includes", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_includes", loader))
    loader.exec_module(module)
    module.ORDER = {}
    return module


def header(guard, text):
    return f"/* A header. */\n#ifndef MK_{guard}_H\n#define MK_{guard}_H\n\n{text}\n\n#endif\n"


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        self.check = load()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        build = self.root / "build"
        build.mkdir()
        (self.root / "include" / "milky").mkdir(parents=True)
        entry = {"directory": str(build), "file": "../src/base/buf.c", "command": "cc -isystem /usr/include -I../src -I../include -c x.c"}
        (build / "compile_commands.json").write_text(json.dumps([entry]))
        self.write("base/buf.h", header("BUF", "struct mk_buf {\n    int size;\n};"))

    def write(self, name, text):
        path = self.root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def problems(self):
        return list(self.check.problems(self.root, "build"))

    def assert_problems(self, *expected):
        found = self.problems()
        self.assertEqual(len(found), len(expected), found)
        for line, words in zip(found, expected):
            self.assertIn(words, line)

    def test_what_is_right_passes(self):
        self.write("wire/url.h", header("URL", '#include "base/buf.h"\nstruct mk_url {\n    struct mk_buf text;\n};'))
        self.write("wire/url.c", '#include "wire/url.h"\n\n#include <string.h>\n')
        self.write("wire/url_private.h", header("URL_PRIVATE", '#include "wire/url.h"'))
        self.assert_problems()

    def test_a_room_that_may_not_be_included(self):
        self.write("base/log.c", '#include "wire/url.h"\n')
        self.write("wire/url.h", header("URL", ""))
        self.assert_problems('src/base/log.c: base may not include "wire/url.h"')

    def test_single_files_of_a_room(self):
        self.write("net/timer.h", header("TIMER", ""))
        self.write("net/stream.h", header("STREAM", ""))
        self.write("host/host.c", '#include "net/timer.h"\n#include "net/stream.h"\n')
        self.assert_problems('src/host/host.c: host may not include "net/stream.h"')

    def test_the_public_headers(self):
        (self.root / "include" / "milky" / "milky.h").write_text("#ifndef MILKY_MILKY_H\n#define MILKY_MILKY_H\n#endif\n")
        self.write("endpoint/endpoint.c", "#include <milky/milky.h>\n")
        self.write("net/loop.c", "#include <milky/milky.h>\n")
        self.assert_problems("src/net/loop.c: net may not include <milky/milky.h>")

    def test_a_room_that_is_unknown(self):
        self.write("attic/old.c", "")
        self.assert_problems("src/attic/old.c: there is no room attic")

    def test_a_file_that_is_not_there(self):
        self.write("base/log.c", '#include "buf.h"\n')
        self.assert_problems('src/base/log.c: "buf.h" is not there')

    def test_the_order_of_folders(self):
        self.check.ORDER = {"backend": ["sandbox"], "backend/sandbox": ["api", "model"]}
        self.write("backend/sandbox/api/send.h", header("SEND", '#include "backend/sandbox/model/message.h"'))
        self.write("backend/sandbox/model/message.h", header("MESSAGE", ""))
        self.assert_problems()
        self.write("backend/sandbox/model/member.c", '#include "backend/sandbox/api/send.h"\n')
        self.assert_problems('src/backend/sandbox/model/member.c: "backend/sandbox/api/send.h" is above it')
        self.write("backend/sandbox/model/member.c", "")
        self.write("backend/other/other.c", "")
        self.assert_problems("src/backend/other/other.c: the order of backend does not have other")

    def test_conditions(self):
        self.write("wire/url.c", "#ifdef __linux__\n#endif\n")
        self.write("net/ring.c", "#ifdef __linux__\n#endif\n")
        self.assert_problems("src/wire/url.c: #if belongs into base and net alone")

    def test_a_circle(self):
        self.write("base/a.h", header("A", ""))
        self.write("base/a.c", '#include "base/a.h"\n#include "base/b.h"\n')
        self.write("base/b.h", header("B", '#include "base/c_private.h"'))
        self.write("base/c_private.h", header("C", '#include "base/a.h"'))
        self.assert_problems("a circle: base/a -> base/b -> base/c -> base/a\n"
                             '    src/base/a.c includes "base/b.h"\n'
                             '    src/base/b.h includes "base/c_private.h"\n'
                             '    src/base/c_private.h includes "base/a.h"')

    def test_names_with_two_meanings(self):
        self.write("wire/url.h", header("URL", "struct mk_thing {\n    int a;\n};\nenum mk_a { MK_X };\nint mk_f(void);"))
        self.write("wire/uri.h", header("URI", "struct mk_thing {\n    char b;\n};\nenum mk_b { MK_X };\nvoid mk_f(void);"))
        found = "\n".join(self.problems())
        for words in ("redefinition of ‘struct mk_thing’", "redeclaration of enumerator ‘MK_X’",
                      "conflicting types for ‘mk_f’", "src/wire/url.h:5", "(first: src/wire/uri.h:5)"):
            self.assertIn(words, found)

    def test_a_guard_that_hides_another_header(self):
        self.write("wire/url.h", header("BUF", "struct mk_buf {\n    char *other;\n};"))
        self.assert_problems("src/wire/url.h: has the include guard of src/base/buf.h")

    def test_a_header_that_leans_on_others(self):
        self.write("wire/url.h", header("URL", "struct mk_url {\n    struct mk_buf text;\n};"))
        self.assert_problems("wire/url.h does not compile alone: src/wire/url.h:6:19: error: field ‘text’ has incomplete type")


if __name__ == "__main__":
    unittest.main()
