"""scripts/check-state on small archives: what it reports, its messages, and what it accepts."""

import importlib.machinery
import importlib.util
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check-state"
CC = shlex.split(os.environ.get("CC", "cc"))


def load():
    loader = importlib.machinery.SourceFileLoader("check_state", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_state", loader))
    loader.exec_module(module)
    return module


class CheckState(unittest.TestCase):
    def setUp(self):
        self.check = load()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def archive(self, thin=False, **sources):
        """An archive of objects named as Meson names them; base_log="..." is src/base/log.c."""
        objects = []
        for name, text in sources.items():
            source, made = self.folder / f"{name}.c", self.folder / f"{name}.c.o"
            source.write_text(text)
            subprocess.run([*CC, "-std=gnu11", "-O2", "-fPIC", "-c", source, "-o", made], check=True)
            objects.append(made)
        archive = self.folder / "lib.a"
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "rcsT" if thin else "rcs", archive, *objects], check=True)
        return archive

    def assert_problems(self, archive, *expected, state=None):
        found = list(self.check.problems([archive], state or {}))
        self.assertEqual(len(found), len(expected), found)
        for line, words in zip(sorted(found), sorted(expected)):
            self.assertIn(words, line)

    def test_what_is_constant_passes(self):
        text = """
            #include <stdlib.h>
            int call(void);
            static const char *const names[] = { "a", "b" };
            static int (*const functions[])(void) = { call };
            const int exported = 3;
            const char *name(int i) { static const int of[] = { 1, 0 }; return names[of[i & 1]]; }
            int run(void) { return functions[0]() + abs(exported); }
        """
        self.assert_problems(self.archive(base_names=text))
        self.assert_problems(self.archive(base_names=text, thin=True))

    def test_each_kind_of_state_is_found(self):
        archive = self.archive(
            net_pool="static int left; int *pool_left(void) { return &left; }",
            net_table='static const char *words[] = { "a" }; const char **table(void) { return words; }',
            web_count="int counted = 5; void count(void) { counted++; }",
            wire_next="int next(void) { static int last; return ++last; }",
            hub_mine="int mine(void) { static _Thread_local int own; return ++own; }",
            hub_other="int other(void) { static _Thread_local int started = 3; return ++started; }",
        )
        self.assert_problems(
            archive,
            "net_pool.c: left may change (.bss)",
            "net_table.c: words may change (.data",
            "web_count.c: counted may change (.data)",
            "wire_next.c: last may change (.bss)",
            "hub_mine.c: own may change (.tbss)",
            "hub_other.c: started may change (.tdata)",
        )

    def test_what_is_listed_passes_in_its_file_alone(self):
        text = "void *get%s(void) { static int lock; return &lock; }"
        archive = self.archive(net_curl=text % 1, net_tls=text % 2)
        self.assert_problems(archive, "net_tls.c: lock may change", state={"net/curl.c": ["lock"]})

    def test_the_list_has_nothing_that_is_gone(self):
        archive = self.archive(base_log="int run(void) { return 1; }")
        self.assert_problems(archive, "base_log.c: sink is not there any more", state={"base/log.c": ["sink"]})

    def test_functions_that_share_are_found(self):
        archive = self.archive(
            base_text="#include <string.h>\nconst char *text(int e) { return strerror(e); }",
            web_time="#include <time.h>\nint year(time_t t) { return gmtime(&t)->tm_year; }",
            web_safe="#include <time.h>\nint safe(time_t t) { struct tm tm; return gmtime_r(&t, &tm)->tm_year; }",
        )
        self.assert_problems(archive, "base_text.c calls strerror: use mk_error_text", "web_time.c calls gmtime: use")

    def test_an_archive_without_functions_is_no_proof(self):
        self.assert_problems(self.archive(base_names="const int exported = 3;"), "there are no functions in it")


if __name__ == "__main__":
    unittest.main()
