"""scripts/check-languages on small files, and what the compiler finds of a pair of texts by itself."""

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
ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check-languages"
CC = shlex.split(os.environ.get("CC", "cc"))


def load():
    loader = importlib.machinery.SourceFileLoader("check_languages", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_languages", loader))
    loader.exec_module(module)
    return module


class CheckLanguages(unittest.TestCase):
    def setUp(self):
        self.check = load()

    def found(self, text, path="src/hub/hub.c"):
        return [problem for _, problem in self.check.problems_of(path, text)]

    def assert_fine(self, text, path="src/hub/hub.c"):
        self.assertEqual(self.found(text, path), [])

    def assert_found(self, part, text, path="src/hub/hub.c"):
        problems = self.found(text, path)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(part, problems[0])

    def test_the_project_says_everything_twice(self):
        self.assertEqual(list(self.check.problems(ROOT)), [])

    def test_pairs(self):
        self.assert_fine('mk_log_warn("hub", "event %llu is lost: %s", "事件 %llu 丢失：%s", n, why);')
        self.assert_fine('mk_log_warn("hub", "event " "lost", "事件" "丢失");')
        self.assert_fine('mk_log_error("hub", "%s: %s", "%s：%s", path, why);')
        self.assert_fine('mk_log_error(module, en, zh);')
        self.assert_fine('return mk_tr("the port is missing", "缺少端口");')
        self.assert_fine('sb_refuse(r, f(1, "a, b"), "there is no user %" PRIu64, "没有用户 %" PRIu64, id);')
        self.assert_fine('/* mk_log_warn("hub", "a comment", "and no more"); */')
        self.assert_fine('#define mk_log_error(...) mk_log(MK_LOG_ERROR, __VA_ARGS__)')

    def test_a_half_in_the_wrong_language(self):
        self.assert_found('is no Chinese for', 'mk_log_warn("hub", "event %llu is lost", "event %llu is lost", n);')
        self.assert_found('is no Chinese for', 'return mk_tr("the port is missing", "");')
        self.assert_found('is no Chinese for', 'sb_refuse(r, SB_NO_USER, "there is no user", "%s", x);')
        self.assert_found('Chinese where English', 'return mk_tr("缺少端口", "缺少端口");')
        self.assert_found('the Chinese half', 'return mk_tr("the port is missing", other);')
        self.assert_found('the English half', 'return mk_tr(other, "缺少端口");')

    def test_both_languages_in_one_text(self):
        self.assert_found("both languages", 'x = "用户不存在 (there is no user %llu)";')
        self.assert_found("both languages", 'x = "消息过长 (the message "\n"is too long)";')
        self.assert_fine('x = "超过限制（backend.media.max_bytes）";')

    def test_text_of_the_program(self):
        cli = "src/cli/do.c"
        self.assert_found("one language", 'printf("nothing was found\\n");', cli)
        self.assert_found("one language", 'fputs("没有", stderr);', cli)
        self.assert_fine('printf(mk_tr("nothing was found\\n", "没有找到\\n"));', cli)
        self.assert_fine('fprintf(out, "%s say%s --as 10003001 --group 700000001 hello\\n", program, words);', cli)
        self.assert_fine('printf("nothing was found\\n");')  # in src/hub nothing is printed
        self.assert_found("no Chinese behind", 'x = { { "name", "the host is not known" } };', cli)
        self.assert_fine('x = { { "name", "the host is not known", "无法解析主机名" } };', cli)

    def test_text_of_the_configuration(self):
        config = "src/config/rules.c"
        self.assert_found("one language", 'x = (struct f){\n.expected = "a name of its own",\n};', config)
        self.assert_fine('x = (struct f){\n.expected = mk_tr("a name of its own", "自己的名称"),\n};', config)
        self.assert_found("no .zh", '{ .name = "a", .en = "A key." },', config)
        self.assert_fine('{ .name = "a", .en = "A key.", .zh = "一个键。" },', config)


class Compiler(unittest.TestCase):
    """Both formats of a pair are checked against the same arguments."""

    def warnings(self, statement):
        text = ('#include "base/log.h"\n#include "net/failure.h"\n'
                "void test(struct mk_failure *failure, const char *text, unsigned long long number);\n"
                "void test(struct mk_failure *failure, const char *text, unsigned long long number)\n"
                "{ (void)failure; (void)text; (void)number; " + statement + " }\n")
        with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
            source.write(text)
            source.flush()
            run = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wformat=2", "-I", ROOT / "src", "-fsyntax-only",
                                  source.name], capture_output=True, text=True)
        return run.stderr

    def test_takes_two_that_agree(self):
        self.assertEqual(self.warnings('mk_log_warn("hub", "%s: %llu", "%s：%llu", text, number);'), "")
        self.assertEqual(self.warnings('mk_failure_set(failure, 0, "it answered %llu", "应答 %llu", number);'), "")

    def test_finds_two_that_do_not(self):
        for statement in [
            'mk_log_warn("hub", "event %llu", "事件 %s", number);',
            'mk_log_warn("hub", "event %s", "事件 %llu", number);',
            'mk_log_warn("hub", "%s: %llu", "%llu：%s", text, number);',
            'mk_log_warn("hub", "event %llu", "一个事件", number);',
            'mk_log_warn("hub", "an event", "事件 %llu");',
            'mk_log_warn("hub", "an event");',
            'mk_log_warn("hub", "%s", text);',
            'mk_failure_set(failure, 0, "it answered %llu", "应答 %s", number);',
            'mk_log_warn("hub", "%s", "%s", mk_tr("event %d", "事件 %s"), number);',
        ]:
            with self.subTest(statement):
                self.assertRegex(self.warnings(statement), "(warning|error):")


if __name__ == "__main__":
    unittest.main()
