"""The tables of docs/SANDBOX.md and its Chinese counterpart, of sandbox.json. Part of generate_sandbox.py.

A page has them between markers: <!-- spec/sandbox.json: NAME --> and <!-- end -->, where NAME is
`operations GROUP`, `fields GROUP` or `world`."""
import re

from generate_model import fail, is_optional

MARKED = re.compile(r"(<!-- spec/sandbox\.json: ([a-z ]+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
WORDS = {
    "en": {"or": " or ", "and": ", ", "bool": "true or false", "uin": "QQ number", "string": "text",
           "json": "any JSON", "fraction": "number from 0 to 1", "list": "list of {}",
           "range": "number from {} to {}", "from": "number from {}", "count": "number", "uint": "number",
           "text_message": "text",
           "bytes": "text of at most {} bytes", "default": "default {}", "empty": "empty", "of": "{} ({})",
           "api": "the API {}", "open": " (", "close": ")", "colon": ": "},
    "zh": {"or": " 或 ", "and": "、", "bool": "true 或 false", "uin": "QQ 号", "string": "文本",
           "json": "任意 JSON", "fraction": "0 到 1 的数", "list": "{} 的列表",
           "range": "{} 到 {} 的整数", "from": "不小于 {} 的整数", "count": "整数", "uint": "整数",
           "text_message": "文本",
           "bytes": "最多 {} 字节的文本", "default": "默认 {}", "empty": "空", "of": "{}（{}）",
           "api": "API {}", "open": "（", "close": "）", "colon": "："},
}
MOST_COUNT, LONGEST = 4294967295, 65535


class Page:
    def __init__(self, model, operations, language):
        self.sandbox, self.operations = model.sandbox, operations
        self.language, self.words = language, WORDS[language]

    def code(self, names, between="and"):
        return self.words[between].join(f"`{name}`" for name in names)

    def bracket(self, text):
        return self.words["open"] + text + self.words["close"]

    # --- operations ---

    def type(self, spec):
        kind = spec["type"]
        if kind == "enum":
            return self.code(spec["values"], "or")
        if kind == "ref":
            return spec["ref"]
        if kind == "array":
            return self.words["list"].format(spec["of"]["ref"])
        if kind == "integer":
            return self.words["range"].format(spec["least"], spec["most"]) if spec["most"] < MOST_COUNT \
                or spec["least"] < 0 else self.words["from"].format(spec["least"])
        if kind == "text":
            return self.words["bytes"].format(spec["most"]) if "most" in spec else self.words["string"]
        return self.words[kind]

    def default(self, spec):
        value = spec.get("default")
        if value is None or value == "":
            return ""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return self.words["and"] + self.words["default"].format(f"`{text}`")

    def fields(self, made):
        """The names of the fields, with what goes for what."""
        choice = [form.with_ for form in made.forms if form.with_ and not form.needs]
        groups = [[name for name in made.specs if name in choice], made.one_of]
        parts = ["`as`"] if self.sandbox["groups"][made.spec["group"]].get("person") else []
        for name, spec in made.specs.items():
            alternatives = next((group for group in groups if name in group), [name])
            if alternatives[0] != name:
                continue
            optional = len(alternatives) == 1 and (is_optional(spec) or "default" in spec)
            parts.append(self.code(alternatives, "or") + ("?" if optional else ""))
        if "like" in made.spec and len(parts) > 6:
            parts = parts[:3] + ["…"]
        return self.words["and"].join(parts)

    def table_operations(self, group):
        head = {"en": ["operation", "fields", "what it does", "the answer"],
                "zh": ["操作", "字段", "效果", "应答"]}[self.language]
        lines = ["| " + " | ".join(head) + " |", "| --- | --- | --- | --- |"]
        for made in self.of(group):
            what = made.spec[self.language]
            apis = [form["api"] for form in made.spec.get("forms", []) if "api" in form]
            if apis:
                what += self.bracket(self.words["api"].format(self.code(apis)))
            result = f"`{made.spec['result']}`".replace("|", "\\|") if "result" in made.spec else ""
            lines.append(f"| `{made.name}` | {self.fields(made)} | {what} | {result} |")
        lines += ["", "```console"]
        examples = dict.fromkeys(line for made in self.of(group) for line in made.spec["example"])
        lines += [f"$ milky do {line}" for line in examples]
        return lines + ["```"]

    def table_fields(self, group):
        """One row for all operations of the group where a field means the same."""
        rows = {}
        for made in self.of(group):
            for name, spec in made.specs.items():
                text = f"{self.type(spec)}{self.default(spec)} | {spec[self.language]}"
                rows.setdefault((name, text), []).append(made.name)
        head = {"en": ["field", "of", "type", "meaning"], "zh": ["字段", "操作", "类型", "含义"]}
        lines = ["| " + " | ".join(head[self.language]) + " |", "| --- | --- | --- | --- |"]
        return lines + [f"| `{name}` | {self.code(names)} | {text} |"
                        for (name, text), names in rows.items()]

    def of(self, group):
        if group not in self.sandbox["groups"]:
            fail("docs", f'there is no group "{group}"')
        return [made for made in self.operations if made.spec["group"] == group]

    # --- the world ---

    def element(self, name, spec):
        """One field of a struct: `name`? (what may be in it; its meaning)."""
        remarks = []
        if spec["type"] == "enum":
            remarks.append(self.code(spec["values"]))
        elif spec["type"] != "bool" and spec.get("default"):
            remarks.append(str(spec["default"]))
        if self.language in spec:
            remarks.append(spec[self.language])
        optional = is_optional(spec) or "default" in spec
        between = "; " if self.language == "en" else "；"
        return f"`{name}`{'?' if optional else ''}" + (self.bracket(between.join(remarks))
                                                       if remarks else "")

    def rows(self, path, struct):
        fields = self.sandbox["structs"][struct]["fields"]
        inner = {name: spec for name, spec in fields.items() if spec["type"] == "array"}
        own = [self.element(name, spec) for name, spec in fields.items()]
        yield f"| `{path}` | {self.words['and'].join(own)} |"
        for name, spec in inner.items():
            yield from self.rows(f"{path}[].{name}", spec["of"]["ref"])

    def table_world(self):
        head = {"en": "| list | fields of an element |", "zh": "| 列表 | 元素的字段 |"}[self.language]
        lines = [head, "| --- | --- |"]
        for name, spec in self.sandbox["structs"]["World"]["fields"].items():
            if spec["type"] == "ref":
                lines += self.rows(name, spec["ref"])
            elif spec["type"] == "array":
                lines += self.rows(name, spec["of"]["ref"])
        return lines

    def section(self, match):
        what, *group = match.group(2).split()
        lines = {"operations": self.table_operations, "fields": self.table_fields,
                 "world": self.table_world}[what](*group)
        return match.group(1) + "\n".join(lines) + "\n" + match.group(3)


def renew(model, operations, files, only_check):
    for name in files:
        page = Page(model, operations, "zh" if ".zh" in name else "en")
        with open(name, encoding="utf-8") as file:
            text = file.read()
        wanted = {f"operations {group}" for group in model.sandbox["groups"]} | {"world"}
        missing = wanted - {match.group(2) for match in MARKED.finditer(text)}
        if missing:
            fail(name, f"there is no place for {sorted(missing)}")
        made = MARKED.sub(page.section, text)
        if made != text and only_check:
            fail(name, "its tables are stale: run `make docs`")
        if made != text:
            with open(name, "w", encoding="utf-8") as file:
                file.write(made)
