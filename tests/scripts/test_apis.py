"""Each API of the tables has a test of the sandbox and a line in docs/APIS.md, in both languages. That each has a
handler is tested by tests/unit/sandbox/test_sandbox_apis.c."""

import json
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*) \| ([^|]+) \|$", re.MULTILINE)


def table(name):
    return json.loads((ROOT / "spec" / name).read_text())["apis"]


def draft_names():
    """The names in the draft of each API of 1.2."""
    rules = table("dialects.json")
    names = {}
    for draft in table("milky-draft.json"):
        rule = rules.get(draft, {})
        forms = [form["to"] for form in rule.get("forms", {}).values()]
        for api in dict.fromkeys(forms or [rule.get("to", draft)]):
            names.setdefault(api, []).append(draft)
    return names


def text_of(pattern):
    return "".join(path.read_text() for path in sorted(ROOT.glob(pattern)))


class Apis(unittest.TestCase):
    def test_each_has_a_line_in_the_docs(self):
        drafts = draft_names()
        expected = [(api, ", ".join(f"`{name}`" for name in drafts.get(api, []))) for api in table("milky-1.3.json")]
        for page in ("APIS.md", "APIS.zh-CN.md"):
            rows = ROW.findall((ROOT / "docs" / page).read_text())
            self.assertEqual(sorted(row[:2] for row in rows), sorted(expected), page)
            self.assertTrue(all(row[2].strip() for row in rows), page)

    def test_each_has_a_unit_test_and_an_end_to_end_test(self):
        unit = text_of("tests/unit/sandbox/test_*.c")
        end_to_end = text_of("tests/e2e/*.test.mjs")
        for api in table("milky-1.3.json"):
            self.assertIn(f'"{api}"', unit, f"no tests/unit/sandbox/test_*.c calls {api}")
            self.assertRegex(end_to_end, rf"['`/]{api}\b", f"no tests/e2e/*.test.mjs calls {api}")


if __name__ == "__main__":
    unittest.main()
