"""The minor versions before the newest: what they have of it, under the same names. Part of generate.py.

An older table may leave out APIs, params, fields, events and variants; whatever it has must be in the newest one, with
the same type. Where nothing differs, the older version shares the types of the newest.
"""
from generate_model import Field, Row, fail, is_optional, parse_pattern, when_absent


class Minor:
    """One older version beside the model of the newest."""

    def __init__(self, model, table, rows):
        self.model, self.old, self.new = model, table, model.new
        self.version = table["milky_version"]
        self.rows = rows
        self.changed = self.changed_structs()

    # --- what differs ---

    def type_differs(self, old, new, changed):
        if old["type"] != new["type"]:
            return True
        if old["type"] == "array":
            return self.type_differs(old["of"], new["of"], changed)
        if old["type"] == "ref":
            return old["ref"] != new["ref"] or old["ref"] in changed
        return False

    def fields_differ(self, old, new, changed):
        return old.keys() != new.keys() or any(
            is_optional(old[name]) != is_optional(new[name]) or self.type_differs(old[name], new[name], changed)
            for name in old)

    def struct_differs(self, name, changed):
        old, new = self.old["structs"][name], self.new["structs"].get(name)
        if new is None or old["kind"] != new["kind"]:
            fail(f"struct {name}", f"{self.version} has it, the newest version has not, or in another form")
        if old["kind"] == "struct":
            return self.fields_differ(old["fields"], new["fields"], changed)
        return old["variants"].keys() != new["variants"].keys() or any(
            self.fields_differ(old["variants"][tag], new["variants"][tag], changed) for tag in old["variants"])

    def changed_structs(self):
        """The structs that differ, or hold one that does."""
        changed, found = set(), True
        while found:
            found = {name for name in self.old["structs"] if name not in changed and self.struct_differs(name, changed)}
            changed |= found
        return changed

    # --- types ---

    def type(self, where, old, new):
        if not self.type_differs(old, new, self.changed):
            return self.model.plain_type(where, new)
        if old["type"] == "array" and new["type"] == "array":
            return ("array", self.type(where, old["of"], new["of"]))
        if old["type"] == "ref" and new["type"] == "ref" and old["ref"] == new["ref"]:
            return self.struct(old["ref"])
        fail(where, f"{old['type']} in {self.version}, {new['type']} in the newest version")

    def struct(self, name):
        old, new = self.old["structs"][name], self.new["structs"][name]
        key = (self.version, name)
        if old["kind"] == "struct":
            if key not in self.model.objects:
                self.model.objects[key] = None
                self.model.objects[key] = (self.fields(f"struct {name}", old["fields"], new["fields"]), None)
            return ("object", key)
        if key not in self.model.unions:
            self.model.unions[key] = None
            self.model.unions[key] = self.union(name, old, new)
        return ("union", key)

    def union(self, name, old, new):
        where = f"struct {name}"
        row = Row(f"{self.version} {where}", self.rows.pop(name, {}))
        is_segment = name.endswith("Segment")
        rest = row.take("rest", {})
        row.done()
        variants = [(tag, tag, (self.fields(f"{where}.{tag}", fields, new["variants"][tag]), None))
                    for tag, fields in old["variants"].items()]
        missing = [tag for tag in new["variants"] if tag not in old["variants"]]
        if missing and not is_segment:
            fail(where, f"{missing} is newer than {self.version}, and only a segment can become a text")
        for tag in rest:
            if tag not in missing:
                fail(where, f'"rest" has "{tag}": no variant that {self.version} lacks')
        fallbacks = [(tag, parse_pattern(where, text, new["variants"][tag], False)) for tag, text in rest.items()]
        return (old["tag"], new["tag"], is_segment, variants, fallbacks)

    def fields(self, where, old, new):
        made = []
        for name, spec in old.items():
            at = f"{where}.{name}"
            if name not in new:
                fail(at, f"{self.version} has it, the newest version has not")
            absent = when_absent(at, spec)
            if is_optional(new[name]) and absent[0] == "ERROR":
                fail(at, f"{self.version} needs it, in the newest version it is optional")
            made.append(Field(name, name, self.type(at, spec, new[name]), absent))
        return made

    def body(self, where, old, new):
        """The result of an API, or the data of an event."""
        if isinstance(old.get("ref"), str):
            return self.type(where, {"type": "ref", "ref": old["ref"]}, {"type": "ref", "ref": new.get("ref")})
        if not self.fields_differ(old, new, self.changed):
            return self.model.plain_body(where, new)
        key = (self.version, where)
        self.model.objects[key] = (self.fields(where, old, new), None)
        return ("object", key)

    # --- APIs and events ---

    def version_field(self, name, result):
        """get_impl_info says which version is spoken."""
        if name != "get_impl_info":
            return result
        key = (self.version, f"{name} result")
        fields, rule = self.model.objects[result[1]]
        fields = [Field("milky_version", "", ("string",), ("STRING", self.version))
                  if field.name == "milky_version" else field for field in fields]
        self.model.objects[key] = (fields, rule)
        return ("object", key)

    def actions(self):
        made = []
        for name, api in self.old["apis"].items():
            new = self.new["apis"].get(name)
            if new is None:
                fail(f"API {name}", f"{self.version} has it, the newest version has not")
            result = self.body(f"{name} result", api["result"], new["result"])
            made.append({"name": name, "number": name, "params": ("1.x", f"{name} params"),
                         "result": self.version_field(name, result)})
        return made

    def events(self):
        """The data of each event of this version, by name."""
        made = {}
        for name, fields in self.old["events"].items():
            if name not in self.new["events"]:
                fail(f"event {name}", f"{self.version} has it, the newest version has not")
            made[name] = self.body(f"event {name}", fields, self.new["events"][name])
        return made

    def check_complete(self):
        for name in self.rows:
            fail("dialects.json", f'{self.version} has a row for "{name}", which is no union that differs')
