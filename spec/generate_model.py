"""The tables in Python: each name of the draft and its counterpart in 1.x. Part of generate.py."""
import re

SCALARS = {"bool", "int", "uint", "uin", "string", "enum"}
NUMBERS = {"int", "uint", "uin"}
SCENES = ["friend", "group", "temp"]
FIELDS_MAX = 24
PARTS_MAX = 8


class Mistake(Exception):
    pass


def fail(where, text):
    raise Mistake(f"{where}: {text}")


class Row:
    """One row of dialects.json that knows which of its keys were used."""

    def __init__(self, where, values):
        self.where = where
        self.values = dict(values)

    def take(self, key, default=None):
        return self.values.pop(key, default)

    def done(self):
        for key in self.values:
            fail(self.where, f'dialects.json says "{key}", which there is no use for')


def is_optional(field):
    return bool(field.get("optional") or field.get("nullable"))


# A language without optional fields sends "", 0 or [] in place of one that was not set.
HAVE_EMPTY = NUMBERS | {"string", "enum", "array"}


class Field:
    empty_is_absent = False

    def __init__(self, name, counterpart, type_, absent=("ERROR", None), pattern=None, within=""):
        self.name, self.counterpart, self.within = name, counterpart, within
        self.type, self.absent, self.pattern = type_, absent, pattern


def with_empty(made, specs):
    """Of the fields that are optional in `specs`, their own dialect, the empty value is no value."""
    for field in made:
        spec = specs.get(field.name, {})
        field.empty_is_absent = is_optional(spec) and spec["type"] in HAVE_EMPTY
    return made


def constant(where, value):
    if isinstance(value, bool):
        return ("BOOL", int(value))
    if isinstance(value, int) and value >= 0:
        return ("UINT", value)
    if isinstance(value, str):
        return ("STRING", value)
    fail(where, f"{value!r} is no constant that a field can have")


def constant_fits(where, value, spec):
    kind = {"BOOL": {"bool"}, "UINT": NUMBERS, "STRING": {"string", "enum"}}[constant(where, value)[0]]
    if spec["type"] not in kind or value not in spec.get("values", [value]):
        fail(where, f"{value!r} is no {spec['type']}")


def when_absent(where, spec, fallback=None):
    """What a field that stands in a table of its own dialect is where it was not given."""
    default = spec.get("default", fallback)
    if default is not None:
        constant_fits(where, default, spec)
        return constant(where, default)
    return ("SKIP", None) if is_optional(spec) else ("ERROR", None)


def parse_pattern(where, text, fields, read):
    """"join:{group_id}:{notification_seq}" to [(part kind, text)]; `fields` are those of 1.x."""
    parts = []
    for literal, name in re.findall(r"([^{}]+)|\{(\w+)\}", text):
        if literal:
            parts.append(("TEXT", literal))
        elif name == "conversation":
            parts.append(("CONVERSATION", ""))
        elif name not in fields:
            fail(where, f'"{text}" names "{name}", which 1.x does not have there')
        elif fields[name]["type"] == "enum" and fields[name]["values"] == SCENES:
            parts.append(("SCENE", name))
        elif fields[name]["type"] in ("string", "uint", "uin", "bool"):
            parts.append((fields[name]["type"].upper(), name))
        else:
            fail(where, f'"{text}": "{name}" is of a type that cannot stand in a text')
    if len(parts) > PARTS_MAX:
        fail(where, f'"{text}" has more than {PARTS_MAX} parts')
    if "".join(t if k == "TEXT" else "{%s}" % (t or "conversation") for k, t in parts) != text:
        fail(where, f'"{text}" has a brace too many or too few')
    if read and any(kind == "STRING" for kind, _ in parts[:-1]):
        fail(where, f'"{text}": only the last part of what is read can be a string')
    return tuple(parts)


def is_pattern(how):
    return isinstance(how, str) and "{" in how


class Model:
    """The tables in Python: objects and unions by key, filled as they are met."""

    def __init__(self, new, draft, dialects):
        self.new, self.draft, self.dialects = new, draft, dialects
        self.objects, self.unions = {}, {}
        self.used_structs, self.used_rows = set(), set()

    # --- the newest version of 1.x by itself ---

    def plain_type(self, where, spec):
        kind = spec.get("type")
        if kind == "array":
            return ("array", self.plain_type(where, spec["of"]))
        if kind == "enum":
            return ("enum", tuple(spec["values"]))
        if kind in SCALARS:
            return (kind,)
        if kind == "ref":
            return self.plain_struct(where, spec["ref"])
        fail(where, f"unknown type {kind!r}")

    def plain_struct(self, where, name):
        struct = self.new["structs"].get(name)
        if not struct:
            fail(where, f'there is no struct "{name}" in 1.x')
        key = ("1.x", name)
        if struct["kind"] == "struct":
            if key not in self.objects:
                self.objects[key] = None
                self.objects[key] = (self.plain_fields(name, struct["fields"]), None)
            return ("object", key)
        if key not in self.unions:
            self.unions[key] = None
            variants = [(tag, tag, (self.plain_fields(f"{name}.{tag}", fields), None))
                        for tag, fields in struct["variants"].items()]
            self.unions[key] = (struct["tag"], struct["tag"], name.endswith("Segment"), variants, [])
        return ("union", key)

    def plain_fields(self, where, fields):
        return with_empty([Field(name, name, self.plain_type(f"{where}.{name}", spec),
                                 when_absent(f"{where}.{name}", spec))
                           for name, spec in fields.items()], fields)

    def plain_body(self, where, body):
        """The params of an API, or what an API or event carries: fields, or a struct."""
        if isinstance(body.get("ref"), str):
            return self.plain_struct(where, body["ref"])
        key = ("1.x", where)
        if key not in self.objects:
            self.objects[key] = (self.plain_fields(where, body), None)
        return ("object", key)

    # --- the draft beside 1.x ---

    def joined_type(self, where, old, new, incoming):
        if old["type"] == "array" and new["type"] == "array":
            return ("array", self.joined_type(where, old["of"], new["of"], incoming))
        if old["type"] == "ref" and new["type"] == "ref":
            return self.joined_struct(where, old["ref"], new["ref"], incoming)
        source, target = (old, new) if incoming else (new, old)
        if old["type"] in NUMBERS and new["type"] in NUMBERS:
            return (new["type"],)
        if source["type"] == "enum" and target["type"] == "enum":
            strange = set(source["values"]) - set(target["values"])
            if strange:
                fail(where, f"the other dialect has no {sorted(strange)}")
            return ("enum", tuple(source["values"]))
        if target["type"] == source["type"] and target["type"] in ("bool", "string"):
            return (target["type"],)
        fail(where, f"{old['type']} of the draft and {new['type']} of 1.x do not go together")

    def struct_row(self, where, old, new):
        for index, row in enumerate(self.dialects["structs"].get(old, [])):
            if row.get("of") == new:
                self.used_rows.add(("structs", old, index))
                values = dict(row)
                del values["of"]
                return Row(f"struct {old}", values)
        fail(where, f'dialects.json does not say how "{old}" of the draft is "{new}" of 1.x')

    def joined_struct(self, where, old_name, new_name, incoming):
        old = self.draft["structs"].get(old_name) or fail(where, f'no struct "{old_name}"')
        new = self.new["structs"].get(new_name) or fail(where, f'no struct "{new_name}" in 1.x')
        self.used_structs.add(old_name)
        key = ("draft in" if incoming else "draft out", old_name, new_name)
        if key in self.objects:
            return ("object", key)
        if key in self.unions:
            return ("union", key)
        row = self.struct_row(where, old_name, new_name)
        where = f"struct {old_name}"
        if old["kind"] == "union" and new["kind"] == "union":
            self.unions[key] = None
            self.unions[key] = self.joined_union(where, old_name, old, new, row, incoming)
            return ("union", key)
        self.objects[key] = None
        first = []
        fields = dict(old.get("fields", {}))
        if old["kind"] == "union":
            tag = row.take("as")
            if incoming or tag not in old["variants"]:
                fail(where, f'"as" must name the variant that "{new_name}" becomes')
            first = [Field(old["tag"], "", ("string",), ("STRING", tag))]
            fields = dict(old["variants"][tag])
        also = row.take("also")
        if also:
            self.used_structs.add(also)
            fields.update(self.draft["structs"][also]["fields"])
        conversation = self.conversation_rule(where, row.take("conversation"), new["fields"])
        self.objects[key] = (first + self.joined_fields(where, fields, new["fields"], row, "fields",
                                                        incoming), conversation)
        row.done()
        return ("object", key)

    def joined_union(self, where, name, old, new, row, incoming):
        rows = row.take("variants", {})
        rest = row.take("rest", {})
        row.done()
        variants, reached = [], set()
        for tag, fields in old["variants"].items():
            inner = Row(f"{where}.{tag}", rows.pop(tag, {}))
            counterpart = inner.take("of", tag)
            if counterpart not in new["variants"]:
                fail(where, f'"{tag}" of the draft has no counterpart in 1.x')
            reached.add(counterpart)
            theirs = new["variants"][counterpart]
            conversation = self.conversation_rule(inner.where, inner.take("conversation"), theirs)
            made = self.joined_fields(inner.where, fields, theirs, inner, "fields", incoming)
            inner.done()
            variants.append((tag, counterpart, (made, conversation)))
        for tag in rows:
            fail(where, f'dialects.json has a variant "{tag}", the draft has none')
        fallbacks = []
        for counterpart, text in rest.items():
            if counterpart not in new["variants"] or counterpart in reached:
                fail(where, f'"rest" has "{counterpart}": no variant of 1.x without a counterpart')
            reached.add(counterpart)
            pattern = parse_pattern(where, text, new["variants"][counterpart], False)
            fallbacks.append((counterpart, pattern))
        if not incoming:
            for counterpart in new["variants"]:
                if counterpart not in reached:
                    fail(where, f'"{counterpart}" of 1.x is neither in the draft nor in "rest"')
        return (old["tag"], new["tag"], name.endswith("Segment"), variants, fallbacks)

    def joined_fields(self, where, old, new, row, section, incoming):
        """The fields of an object of the draft, each with its counterpart among `new` of 1.x."""
        hows = dict(row.take(section, {}))
        sets, elses = row.take("set", {}), row.take("else", {})
        derives = row.take("derive", {})
        made, covered = [], set()
        for name, spec in old.items():
            at = f"{where}.{name}"
            how = hows.pop(name, name)
            if is_pattern(how):
                made.append(self.pattern_field(at, name, spec, how, new, incoming))
                covered |= {text for kind, text in made[-1].pattern if kind != "TEXT"}
            elif isinstance(how, dict) and set(how) == {"set"} and not incoming:
                constant_fits(at, how["set"], spec)
                made.append(Field(name, "", self.lone_type(spec), constant(at, how["set"])))
            else:
                made.append(self.counterpart_field(at, name, spec, how, new, incoming))
                covered.add(made[-1].counterpart)
        for name in hows:
            fail(where, f'dialects.json has a field "{name}", the draft has none')
        if incoming:
            made += self.only_new(where, new, covered, sets, elses, derives)
        elif sets or elses or derives:
            fail(where, '"set", "else" and "derive" are for params')
        if len(made) > FIELDS_MAX:
            fail(where, f"more than {FIELDS_MAX} fields")
        return with_empty(made, {**new, **old}) if incoming else made

    def only_new(self, where, new, covered, sets, elses, derives):
        """Fields that only 1.x has: a constant, or given under their name in 1.x, or their default."""
        made = []
        for name in list(sets) + list(elses) + list(derives):
            if name not in new or name in covered:
                fail(where, f'dialects.json fills "{name}", which 1.x lacks or which has a counterpart')
        for name, spec in new.items():
            at = f"{where}.{name}"
            if name in covered:
                continue
            if name in sets:
                constant_fits(at, sets[name], spec)
                made.append(Field("", name, self.plain_type(at, spec), constant(at, sets[name])))
                continue
            absent = when_absent(at, spec)
            if name in elses:
                constant_fits(at, elses[name], spec)
                absent = constant(at, elses[name])
            if name in derives:
                absent = ("FILE_NAME", derives[name])
            if absent[0] == "ERROR":
                fail(where, f'1.x needs "{name}" and nothing says what it is')
            made.append(Field(name, name, self.plain_type(at, spec), absent))
        return made

    def lone_type(self, spec):
        return ("enum", tuple(spec["values"])) if spec["type"] == "enum" else (spec["type"],)

    def pattern_field(self, at, name, spec, how, new, incoming):
        if spec["type"] != "string":
            fail(at, "only a string can be put together")
        parts = parse_pattern(at, how, new, incoming)
        names = [text for kind, text in parts if kind not in ("TEXT", "CONVERSATION")]
        optional = any(is_optional(new[name]) for name in names)
        if not incoming and optional and not is_optional(spec):
            fail(at, f'"{how}" has an optional part, but the draft needs the field')
        absent = ("SKIP", None) if is_optional(spec) else ("ERROR", None)
        return Field(name, "", ("string",), absent, parts)

    def counterpart_field(self, at, name, spec, how, new, incoming):
        fallback = None
        if isinstance(how, dict):
            if not set(how) <= {"from", "else"}:
                fail(at, f"dialects.json: {how!r} is not understood")
            fallback, how = how.get("else"), how["from"]
        within, _, counterpart = how.rpartition(".")
        fields = new
        optional = False
        if within:
            if incoming or within not in new or new[within].get("type") != "ref":
                fail(at, f'"{how}": "{within}" is no object of 1.x')
            optional = is_optional(new[within])
            fields = self.new["structs"][new[within]["ref"]]["fields"]
        if counterpart not in fields:
            fail(at, f'1.x has no "{how}" there')
        theirs = fields[counterpart]
        type_ = self.joined_type(at, spec, theirs, incoming)
        if incoming:
            absent = when_absent(at, spec, theirs.get("default", fallback))
            if absent[0] == "SKIP" and not is_optional(theirs):
                fail(at, "optional in the draft, but 1.x needs it")
        elif not (optional or is_optional(theirs)):
            absent = ("ERROR", None)
        elif fallback is not None:
            absent = constant(at, fallback)
        elif is_optional(spec):
            absent = ("SKIP", None)
        else:
            fail(at, 'optional in 1.x, but the draft needs it: give an "else"')
        return Field(name, counterpart, type_, absent, within=within)

    def conversation_rule(self, where, text, fields):
        """"Group:{group_id}", "{message_scene}:{peer_id}", "Private:80000000", or None."""
        if text is None:
            return None
        scene, _, conversation = text.partition(":")
        names = self.dialects["scenes"]
        rule = {"scene": 0, "scene_field": "", "id_field": "", "id": 0}
        if is_pattern(scene):
            rule["scene_field"] = scene.strip("{}")
        elif scene in names.values():
            rule["scene"] = 1 + SCENES.index([s for s in SCENES if names[s] == scene][0])
        else:
            fail(where, f'"{text}": "{scene}" is no scene')
        if is_pattern(conversation):
            rule["id_field"] = conversation.strip("{}")
        else:
            rule["id"] = int(conversation)
        for name in (rule["scene_field"], rule["id_field"]):
            if name and name not in fields:
                fail(where, f'"{text}": 1.x has no "{name}" there')
        return rule

    # --- APIs and events ---

    def actions_new(self):
        return [{"name": name, "number": name,
                 "params": self.plain_body(f"{name} params", api["params"])[1],
                 "result": self.plain_body(f"{name} result", api["result"])}
                for name, api in self.new["apis"].items()]

    def action_draft(self, name, api):
        row = Row(f"API {name}", self.dialects["apis"].get(name, {}))
        self.used_rows.add(("apis", name))
        made = {"name": name, "routes": []}
        if "id" in row.values:
            self.routes(made, api, row)
        else:
            to = row.take("to", name)
            if to not in self.new["apis"]:
                fail(row.where, f'"{to}" is no API of 1.x')
            theirs = self.new["apis"][to]["params"]
            key = ("draft in", f"{name} params")
            conversation = self.conversation_rule(row.where, row.take("conversation"), theirs)
            self.objects[key] = (self.joined_fields(f"{row.where} params", api["params"], theirs,
                                                    row, "params", True), conversation)
            made.update(number=to, params=key)
        self.result(made, api, row, made.get("number") or made["routes"][0]["number"])
        row.done()
        return made

    def routes(self, made, api, row):
        made["id"] = row.take("id")
        if api["params"].get(made["id"], {}).get("type") != "string":
            fail(row.where, f'"{made["id"]}" is no string param')
        others = {name: spec for name, spec in api["params"].items() if name != made["id"]}
        unused = set(others)
        shown = []
        for text, form in row.take("forms").items():
            inner = Row(f'{row.where} "{text}"', form)
            to = inner.take("to")
            if to not in self.new["apis"]:
                fail(inner.where, f'"{to}" is no API of 1.x')
            theirs = self.new["apis"][to]["params"]
            pattern = parse_pattern(inner.where, text, theirs, True)
            held = {name for kind, name in pattern if kind != "TEXT"}
            left = {name: spec for name, spec in theirs.items() if name not in held}
            here = {name: spec for name, spec in others.items() if name in left}
            unused -= set(here)
            key = ("draft in", f"{made['name']} {text}")
            fields = self.joined_fields(inner.where, here, left, inner, "params", True)
            # An optional param that this form has no counterpart for is checked all the same.
            for name in set(others) - set(here):
                if not is_optional(others[name]):
                    fail(inner.where, f'there is nothing to do with "{name}"')
                fields.append(Field(name, "", self.lone_type(others[name]), ("SKIP", None)))
            self.objects[key] = (fields, None)
            refuse = inner.take("refuse")
            inner.done()
            made["routes"].append({"pattern": pattern, "params": key, "number": to,
                                   "refuse": refuse})
            if not refuse:
                shown.append(text)
        for name in unused:
            fail(row.where, f'no form has a counterpart for "{name}"')
        made["expected"] = row.take("expected") or self.expected(shown)

    def expected(self, texts):
        names = self.dialects["scenes"]
        every = [t.replace("{message_scene}", names[s]) if "{message_scene}" in t else t
                 for t in texts for s in (SCENES if "{message_scene}" in t else SCENES[:1])]
        every = ['"%s"' % t.replace("{", "<").replace("}", ">") for t in every]
        return " or ".join(filter(None, [", ".join(every[:-1]), every[-1]]))

    def result(self, made, api, row, to):
        theirs = self.new["apis"][to]["result"]
        made["unwrap"] = row.take("unwrap", "")
        if made["unwrap"]:
            spec = theirs.get(made["unwrap"], {})
            if spec.get("type") != "ref" or "ref" not in api["result"]:
                fail(row.where, f'there is no "{made["unwrap"]}" to unwrap')
            made["result"] = self.joined_struct(row.where, api["result"]["ref"], spec["ref"], False)
            return
        if isinstance(api["result"].get("ref"), str):
            fail(row.where, 'the result is a struct: say what to "unwrap"')
        key = ("draft out", f"{made['name']} result")
        self.objects[key] = (self.joined_fields(f"{row.where} result", api["result"], theirs, row,
                                                "result", False), None)
        made["result"] = ("object", key)

    def events(self):
        made = {name: {"name": name, "data": self.plain_body(f"event {name}", fields)}
                for name, fields in self.new["events"].items()}
        for name, fields in self.draft["events"].items():
            row = Row(f"event {name}", self.dialects["events"].get(name, {}))
            self.used_rows.add(("events", name))
            counterpart = row.take("of", name)
            theirs = self.new["events"].get(counterpart)
            if theirs is None:
                fail(row.where, f'"{counterpart}" is no event of 1.x')
            if "draft_name" in made[counterpart]:
                fail(row.where, f'"{counterpart}" of 1.x has a counterpart already')
            if isinstance(fields.get("ref"), str):
                data = self.joined_struct(row.where, fields["ref"], theirs["ref"], False)
            else:
                key = ("draft out", f"event {name}")
                conversation = self.conversation_rule(row.where, row.take("conversation"), theirs)
                self.objects[key] = (self.joined_fields(row.where, fields, theirs, row, "fields",
                                                        False), conversation)
                data = ("object", key)
            row.done()
            made[counterpart].update(draft_name=name, draft_data=data)
        return list(made.values())

    def check_complete(self):
        for name in self.draft["structs"]:
            if name not in self.used_structs:
                fail(f"struct {name}", "nothing of the draft leads to it: no API, no event, no row")
        for section in ("apis", "events"):
            for name in self.dialects[section]:
                if (section, name) not in self.used_rows:
                    fail("dialects.json", f'{section} has "{name}", the draft has none')
        for name, rows in self.dialects["structs"].items():
            for index, row in enumerate(rows):
                if ("structs", name, index) not in self.used_rows:
                    fail("dialects.json", f'"{name}" as "{row.get("of")}" is never met')
