"""The operator's requests of sandbox.json, each of their forms beside the API that it becomes. Part of
generate_sandbox.py."""
from generate_model import Field, Model, constant, fail, is_optional

MOST_TEXT = 65535
MOST_COUNT = 4294967295
TEXTS = {"string", "text", "enum"}
NUMBERS = {"uint", "uin", "count", "integer"}


class Form:
    def __init__(self, with_, needs, name, params):
        self.with_, self.needs, self.name, self.params = with_, needs, name, params


class Operation:
    """One request. `fields` is the key of the object of all its fields; `specs` their JSON."""

    def __init__(self, name, spec, specs, fields, forms):
        self.name, self.spec, self.specs, self.fields, self.forms = name, spec, specs, fields, forms
        self.one_of = spec.get("one_of", [])


class Operations(Model):
    """The tables of sandbox.json, which may refer to structs of 1.2."""

    def __init__(self, new, sandbox):
        for name in sandbox["structs"]:
            if name in new["structs"]:
                fail(f"struct {name}", "1.2 has one of that name")
        structs = {name: {"kind": "struct", **struct} for name, struct in sandbox["structs"].items()}
        super().__init__({**new, "structs": {**new["structs"], **structs}}, {}, {})
        self.sandbox = sandbox

    # --- types and fields ---

    def plain_type(self, where, spec):
        kind = spec.get("type")
        if kind == "count":
            return ("range", 0, MOST_COUNT)
        if kind == "integer":
            return ("range", spec["least"], spec["most"])
        if kind == "text":
            return ("text", spec.get("least", 0), spec.get("most", MOST_TEXT))
        if kind in ("fraction", "text_message", "json"):
            return (kind,)
        return super().plain_type(where, spec)

    def absent(self, where, spec):
        """What a field is where it was not given."""
        if "default" not in spec:
            return ("SKIP", None) if is_optional(spec) else ("ERROR", None)
        default, kind = spec["default"], spec["type"]
        fits = {bool: kind == "bool", int: kind in NUMBERS, str: kind in TEXTS}
        if not fits.get(type(default)) or default not in spec.get("values", [default]):
            fail(where, f"{default!r} is no {kind}")
        return constant(where, default)

    def plain_fields(self, where, fields):
        return [Field(name, name, self.plain_type(f"{where}.{name}", spec),
                      self.absent(f"{where}.{name}", spec)) for name, spec in fields.items()]

    # --- operations ---

    def operation(self, name, spec):
        where = f"operation {name}"
        for key in ("en", "zh", "example", "fields"):
            if key not in spec:
                fail(where, f'there is no "{key}"')
        if spec["group"] not in self.sandbox["groups"]:
            fail(where, f'there is no group "{spec["group"]}"')
        if name in self.new["apis"]:
            fail(where, "an API has that name")
        specs = dict(spec["fields"])
        if "like" in spec:
            like = self.sandbox["structs"][spec["like"]]["fields"]
            specs = {field: specs.get(field, like[field]) for field in like}
        for field, one in specs.items():
            if "en" not in one or "zh" not in one:
                fail(f"{where}.{field}", "its meaning is missing in English or Chinese")
        for field in spec.get("one_of", []):
            if not is_optional(specs[field]):
                fail(f"{where}.{field}", "one of several, so it must be optional")
        if not spec["example"][-1].split()[0] == name:
            fail(where, "its example is of another operation")
        key = ("operation", name)
        self.objects[key] = (self.plain_fields(where, specs), None)
        forms = [self.form(where, name, specs, form) for form in spec.get("forms", [{}])]
        if len(forms) > 1 and not all(form.with_ for form in forms):
            fail(where, 'which form is meant? "with" is missing')
        return Operation(name, spec, specs, key, forms)

    def form(self, where, name, specs, form):
        names = form.get("fields", list(specs))
        with_ = form.get("with", "")
        if with_ and with_ not in names:
            fail(where, f'"{with_}" is no field of its form')
        becomes = form.get("api") or form.get("operation") or name
        key = ("form", f"{name} {becomes}")
        if "api" in form:
            fields = self.fields_of_api(f"{where} as {becomes}", becomes, {n: specs[n] for n in names})
        else:
            fields = self.plain_fields(where, {n: specs[n] for n in names})
            for field in fields:
                field.counterpart = specs[field.name].get("is", field.name)
                if field.name in form.get("needs", []):
                    field.absent = ("ERROR", None)
        self.objects[key] = (fields, None)
        return Form(with_, form.get("needs", []), becomes, key)

    def fields_of_api(self, where, api, specs):
        """Params of the API: under their names here, or what the API has for them."""
        if api not in self.new["apis"]:
            fail(where, "1.2 has no such API")
        left, made = dict(specs), []
        for param, theirs in self.new["apis"][api]["params"].items():
            type_, absent = self.plain_type(where, theirs), self.absent(where, theirs)
            ours = [name for name, spec in left.items() if spec.get("is", name) == param]
            for name in ours:
                mine = left.pop(name)
                if mine["type"] != "text_message" and self.plain_type(where, mine) != type_:
                    fail(f"{where}.{name}", f"the API has another type there: {type_}")
                if "default" in mine and self.absent(where, mine) != absent:
                    fail(f"{where}.{name}", f"the API has another default there: {absent}")
                made.append(Field(name, param, self.plain_type(where, mine),
                                  absent if len(ours) == 1 else ("SKIP", None)))
            if not ours:
                if absent[0] == "ERROR":
                    fail(where, f'nothing says what "{param}" is')
                made.append(Field("", param, type_, absent))
        for name in left:
            fail(f"{where}.{name}", "the API has no such param")
        return made

    def all(self):
        return [self.operation(name, spec) for name, spec in self.sandbox["operations"].items()]
