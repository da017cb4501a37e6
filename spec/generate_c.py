"""The tables as C: the form is that of src/protocol/tables.h. Part of generate.py."""
import json

from generate_model import SCENES, fail

NAME_MAX = 63
SLOTS, NO_SLOT = 256, 255
DIALECTS_MAX = 4


def hash_of(name):
    """As src/protocol/schema.c hashes it: by its length and its last eight bytes."""
    tail = int.from_bytes(name.encode()[-8:], "little") if len(name) >= 8 else 0
    return ((tail ^ len(name)) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 56


def slots_of(items):
    """Where each name is found: the place in the table of whose name hashes here, or to a slot before
    that was taken."""
    if len(items) > SLOTS // 2:
        fail("tables", f"more than {SLOTS // 2} names do not fit into the hash table")
    slots = [NO_SLOT] * SLOTS
    for place, item in enumerate(items):
        at = hash_of(item["name"])
        while slots[at] != NO_SLOT:
            at = (at + 1) % SLOTS
        slots[at] = place
    return slots


class Writer:
    """The model as C. Equal types, patterns and rules are written once."""

    def __init__(self, model):
        self.model = model
        self.lines, self.known = [], {}
        self.names = {key: f"object_{i}" for i, key in enumerate(model.objects)}
        self.names.update({key: f"union_{i}" for i, key in enumerate(model.unions)})

    @staticmethod
    def text(value):
        """A struct mk_slice of a literal."""
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '{ "%s", %d }' % (escaped, len(value.encode()))

    def once(self, key, prefix, ctype, body):
        if key not in self.known:
            self.known[key] = f"{prefix}_{len(self.known)}"
            self.lines.append(f"static const {ctype} {self.known[key].replace('*', '')}"
                              f"{'[]' if ctype in ('struct mk_slice', 'struct mk_part') else ''}"
                              f" = {body};")
        return self.known[key]

    def type(self, type_):
        kind = type_[0]
        extra = ""
        if kind == "enum":
            values = self.once(("values", type_[1]), "values", "struct mk_slice",
                               "{ %s }" % ", ".join(map(self.text, type_[1])))
            extra = f", .values = {values}, .value_count = {len(type_[1])}"
        elif kind == "array":
            extra = f", .of = &{self.type(type_[1])}"
        elif kind == "object":
            extra = f", .object = &{self.names[type_[1]]}"
        elif kind == "union":
            extra = f", .choice = &{self.names[type_[1]]}"
        elif kind in ("range", "text"):
            extra = f", .least = {type_[1]}, .most = {type_[2]}"
        return self.once(("type", type_), "type", "struct mk_type",
                         f"{{ MK_KIND_{kind.upper()}{extra} }}")

    def pattern(self, parts):
        """The braces of a struct mk_pattern."""
        array = self.once(("parts", parts), "parts", "struct mk_part",
                          "{ %s }" % ", ".join(f"{{ MK_PART_{kind}, {self.text(text)} }}"
                                               for kind, text in parts))
        return f"{{ {array}, {len(parts)} }}"

    def field(self, field):
        out = [f".type = &{self.type(field.type)}", f".absent = MK_ABSENT_{field.absent[0]}"]
        for member in ("name", "counterpart", "within"):
            value = getattr(field, member)
            out.append(f".{member} = {self.text(value)}")
        if field.pattern:
            pattern = self.once(("pattern", field.pattern), "pattern", "struct mk_pattern",
                                self.pattern(field.pattern))
            out.append(f".pattern = &{pattern}")
        if field.empty_is_absent:
            out.append(".empty_is_absent = true")
        if isinstance(field.absent[1], int):
            out.append(f".number = {field.absent[1]}")
        elif field.absent[1] is not None:
            out.append(f".text = {self.text(field.absent[1])}")
        return "    { %s }," % ", ".join(out)

    def object(self, name, made):
        """Writes the fields; returns the braces of a struct mk_object."""
        fields, about = made
        rule = "NULL"
        if about:
            value = "{ %d, %s, %s, %d }" % (about["scene"], self.text(about["scene_field"]),
                                            self.text(about["id_field"]), about["id"])
            rule = "&" + self.once(("conversation", tuple(about.items())), "conversation",
                                   "struct mk_conversation_rule", value)
        if not fields:
            return f"{{ NULL, 0, {rule} }}"
        rows = [self.field(field) for field in fields]
        self.lines.append(f"static const struct mk_field {name}_fields[] = {{")
        self.lines += rows + ["};"]
        return f"{{ {name}_fields, {len(fields)}, {rule} }}"

    def union(self, name, made):
        tag, counterpart, in_data, variants, fallbacks = made
        rows = [f"    {{ {self.text(v)}, {self.text(t)}, {self.object(f'{name}_{v}', o)} }},"
                for v, t, o in variants]
        self.lines += [f"static const struct mk_variant {name}_variants[] = {{"] + rows + ["};"]
        fallback_name = "NULL"
        if fallbacks:
            fallback_name = f"{name}_fallbacks"
            rows = [f"    {{ {self.text(t)}, {self.pattern(p)} }}," for t, p in fallbacks]
            self.lines.append(f"static const struct mk_text_fallback {fallback_name}[] = {{")
            self.lines += rows + ["};"]
        self.lines.append(f"static const struct mk_union {name} = {{ {self.text(tag)}, "
                          f"{self.text(counterpart)}, {str(in_data).lower()}, {name}_variants, "
                          f"{len(variants)}, {fallback_name}, {len(fallbacks)} }};")

    def structs(self):
        for key in self.model.objects:
            self.lines.append(f"static const struct mk_object {self.names[key]};")
        for key in self.model.unions:
            self.lines.append(f"static const struct mk_union {self.names[key]};")
        for key, made in self.model.objects.items():
            name = self.names[key]
            self.lines.append(f"/* {', '.join(key)} */")
            braces = self.object(name, made)
            self.lines.append(f"static const struct mk_object {name} = {braces};")
        for key, made in self.model.unions.items():
            self.lines.append(f"/* {', '.join(key)} */")
            self.union(self.names[key], made)

    def holds_uri(self, type_, seen=()):
        """Whether a value of this type may have a URI in it: a string field named `uri` or `*_uri`."""
        kind = type_[0]
        if kind == "array":
            return self.holds_uri(type_[1], seen)
        if kind not in ("object", "union") or type_ in seen:
            return False
        if kind == "object":
            objects = [self.model.objects[type_[1]]]
        else:
            objects = [variant for _, _, variant in self.model.unions[type_[1]][3]]
        return any((field.type[0] == "string" and field.name.split("_")[-1] == "uri")
                   or self.holds_uri(field.type, (*seen, type_))
                   for fields, _ in objects for field in fields)

    def action(self, made, dialect, numbers):
        out = [f".name = {self.text(made['name'])}", f".dialect = {dialect}",
               f".result = &{self.type(made['result'])}",
               f".unwrap = {self.text(made.get('unwrap', ''))}"]
        if made.get("routes"):
            name = f"routes_{made['name']}"
            rows = []
            for route in made["routes"]:
                refuse = json.dumps(route["refuse"]) if route["refuse"] else "NULL"
                rows.append(f"    {{ {self.pattern(route['pattern'])}, "
                            f"&{self.names[route['params']]}, {numbers[route['number']]}, "
                            f"{refuse} }},")
            self.lines += [f"static const struct mk_route {name}[] = {{"] + rows + ["};"]
            out += [f".routes = {name}", f".route_count = {len(rows)}",
                    f".id = {self.text(made['id'])}",
                    f".id_expected = {self.text(made['expected'])}"]
        else:
            takes_uris = self.holds_uri(("object", made["params"]))
            out += [f".number = {numbers[made['number']]}",
                    f".params = &{self.names[made['params']]}",
                    f".takes_uris = {str(takes_uris).lower()}"]
        return "    { %s }," % ", ".join(out)

    def forms(self, name, forms):
        """An array of struct mk_event_form: the name and the data of each event in one dialect."""
        rows = [f"    {{ {self.text(known)}, {'&' + self.type(data) if data else 'NULL'} }}," for known, data in forms]
        self.lines += [f"static const struct mk_event_form {name}[] = {{"] + rows + ["};"]
        return name

    def dialect(self, label, version, actions, forms):
        """Writes the tables of one dialect; returns the braces of a struct mk_dialect_tables."""
        name = "draft" if version is None else f"1_{version}"
        table = "mk_actions" if label == "MK_DIALECT_NEWEST" else f"actions_{name}"
        self.table("struct mk_action", table, actions, lambda item: self.action(item, label, self.numbers))
        forms = self.forms(f"forms_{name}", forms)
        text = self.text("draft" if version is None else f"1.{version}")
        return (f"{{ {text}, {version or 0}, {table}, {table}_slots, {len(actions)}, {forms} }},")

    def table(self, ctype, name, items, write):
        """A table sorted by length of name, and its hash table."""
        for item in items:
            if len(item["name"]) > NAME_MAX:
                fail(item["name"], f"longer than {NAME_MAX} bytes")
        rows = [write(item) for item in items]
        static = "" if name.startswith("mk_") else "static "
        self.lines += [f"{static}const {ctype} {name}[] = {{"] + rows + ["};"]
        self.lines.append(f"{static}const uint8_t {name}_slots[{SLOTS}] = "
                          f"{{ {', '.join(map(str, slots_of(items)))} }};")

    def event(self, made):
        return f"    {{ {self.text(made['name'])}, &{self.type(made['data'])} }},"

    def all(self, version, new, draft, events, older):
        order = lambda item: (len(item["name"]), item["name"])
        new, draft, events = (sorted(items, key=order) for items in (new, draft, events))
        if len(older) + 2 > DIALECTS_MAX:
            fail("tables", f"more than {DIALECTS_MAX} dialects: MK_DIALECTS_MAX must grow as well")
        self.numbers = {item["name"]: number for number, item in enumerate(new)}
        self.lines = ["/* Made by spec/generate.py; not to be edited. */",
                      '#include "protocol/tables.h"', ""]
        scenes = self.model.dialects["scenes"]
        self.lines.append("const struct mk_scene_names mk_scenes[MK_SCENE_COUNT] = { { { NULL, 0 }, "
                          "{ NULL, 0 } }, %s };" % ", ".join(
                              f"{{ {self.text(s)}, {self.text(scenes[s])} }}" for s in SCENES))
        self.structs()
        self.table("struct mk_event_type", "mk_event_types", events, self.event)
        dialects = [
            self.dialect("MK_DIALECT_DRAFT", None, draft,
                         [(e.get("draft_name", e["name"]), e.get("draft_data", e["data"])) for e in events]),
            self.dialect("MK_DIALECT_NEWEST", version, new, [(e["name"], e["data"]) for e in events])]
        for place, minor in enumerate(older):
            dialects.append(self.dialect(
                f"(enum mk_dialect)(MK_DIALECT_NEWEST + {place + 1})", minor["version"],
                sorted(minor["actions"], key=order), [(e["name"], minor["events"].get(e["name"])) for e in events]))
        self.lines += ["const struct mk_dialect_tables mk_dialects[] = {"] + dialects + ["};",
                       f"const size_t mk_dialect_count = {len(dialects)};",
                       f"const size_t mk_action_count = {len(new)};",
                       f"const size_t mk_event_type_count = {len(events)};"]
        return "\n".join(self.lines) + "\n"
