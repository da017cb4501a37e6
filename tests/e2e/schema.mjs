// Strict checks of results and events. The draft has only its table (spec/milky-draft.json), which is
// read here. Milky 1.2 has the published schemas of @saltify/milky-types as well; these drop unknown fields
// and turn a bad segment into nothing, so their output must equal their input.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Event, zodApiCategories } from '@saltify/milky-types';

const load = (name) => JSON.parse(readFileSync(new URL(`../../spec/${name}`, import.meta.url)));
export const draft = load('milky-draft.json');
// The draft's table calls forwarded messages IncomingMessages, and has a struct for them that nothing
// refers to. Milky returns the fields of both.
draft.structs.ForwardedMessage = {
  kind: 'union',
  tag: 'message_type',
  variants: {
    private: {
      ...draft.structs.IncomingMessage.variants.private,
      ...draft.structs.IncomingForwardedMessage.fields,
    },
  },
};
draft.apis.get_forwarded_messages.result.messages.of.ref = 'ForwardedMessage';
export const v12 = load('milky-1.2.json');
export const v13 = load('milky-1.3.json');

// The table of a dialect; of the draft, for what only 1.x has, that of the newest version.
const tableOf = (dialect, isInDraft) => (dialect === 'draft' && isInDraft ? draft : dialect === '1.2' ? v12 : v13);

const published = Object.assign({}, ...Object.values(zodApiCategories).map((category) => category.apis));

const isUint = (value) => Number.isSafeInteger(value) && value >= 0;
const scalars = {
  bool: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  int: Number.isSafeInteger,
  uint: isUint,
  uin: (value) => isUint(value) && value >= 10001 && value <= 4294967295,
};

// Reports where the value does not match the table; unknown fields are wrong too.
function* problems(table, type, value, path) {
  if (type.type === 'ref') {
    yield* structProblems(table, type.ref, value, path);
  } else if (type.type === 'array') {
    if (!Array.isArray(value)) yield `${path}: not an array`;
    else for (const [i, item] of value.entries()) yield* problems(table, type.of, item, `${path}[${i}]`);
  } else if (type.type === 'enum') {
    if (!type.values.includes(value)) yield `${path}: ${JSON.stringify(value)} is none of ${type.values}`;
  } else if (!scalars[type.type]) {
    yield `${path}: the table has an unknown type ${type.type}`;
  } else if (!scalars[type.type](value)) {
    yield `${path}: ${JSON.stringify(value)} is no ${type.type}`;
  }
}

function* fieldProblems(table, fields, value, path) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    yield `${path}: not an object`;
    return;
  }
  for (const key of Object.keys(value)) if (!Object.hasOwn(fields, key)) yield `${path}.${key}: unknown`;
  for (const [key, type] of Object.entries(fields)) {
    if (!Object.hasOwn(value, key)) {
      if (!type.optional) yield `${path}.${key}: missing`;
    } else if (value[key] !== null || !type.nullable) {
      yield* problems(table, type, value[key], `${path}.${key}`);
    }
  }
}

function* structProblems(table, name, value, path) {
  const struct = table.structs[name];
  if (struct.kind !== 'union') {
    yield* fieldProblems(table, struct.fields, value, path);
    return;
  }
  const fields = struct.variants[value?.[struct.tag]];
  if (!fields) {
    yield `${path}.${struct.tag}: ${JSON.stringify(value?.[struct.tag])} is no variant of ${name}`;
  } else if (name.endsWith('Segment')) {
    const { [struct.tag]: _, data, ...rest } = value;
    for (const key of Object.keys(rest)) yield `${path}.${key}: unknown`;
    yield* fieldProblems(table, fields, data, `${path}.data`);
  } else {
    const { [struct.tag]: _, ...rest } = value;
    yield* fieldProblems(table, fields, rest, path);
  }
}

// A result or an event's data is either a struct or has fields of its own.
function check(table, shape, value, path) {
  const found = typeof shape.ref === 'string'
    ? [...structProblems(table, shape.ref, value, path)]
    : [...fieldProblems(table, shape, value, path)];
  assert.deepEqual(found, [], `${JSON.stringify(value)}`);
}

export function checkResult(dialect, action, data) {
  const table = tableOf(dialect, draft.apis[action]);
  assert.ok(table.apis[action], `${action} is in no table`);
  check(table, table.apis[action].result, data, action);
  if (table === draft || !published[action]) return;
  const schema = published[action].responseSchema;
  if (schema) assert.deepEqual(schema.parse(data), data);
  else assert.deepEqual(data, {});
}

export function checkEvent(dialect, event) {
  const table = tableOf(dialect, draft.events[event.event_type]);
  const keys = dialect === 'draft'
    ? ['time', 'event_type', 'data'] : ['time', 'self_id', 'event_type', 'data'];
  assert.deepEqual(Object.keys(event).sort(), keys.sort());
  assert.ok(isUint(event.time));
  assert.ok(table.events[event.event_type], `${event.event_type} is in no table`);
  check(table, table.events[event.event_type], event.data, event.event_type);
  if (dialect === '1.2') assert.deepEqual(Event.parse(event), event);
}

// The least params that the table accepts: the required ones alone, each with a plain value.
function sample(table, type) {
  if (type.type === 'array') return [sample(table, type.of)];
  if (type.type === 'enum') return type.values[0];
  if (type.type === 'ref') {
    const struct = table.structs[type.ref];
    if (struct.kind !== 'union') return sampleFields(table, struct.fields);
    return { [struct.tag]: 'text', data: { text: 'hello' } };
  }
  return { bool: true, string: 'text', int: 1, uint: 1, uin: 10003001 }[type.type];
}

function sampleFields(table, fields) {
  return Object.fromEntries(Object.entries(fields)
    .filter(([, type]) => !type.optional)
    .map(([name, type]) => [name, sample(table, type)]));
}

export function sampleParams(dialect, action) {
  const table = tableOf(dialect, draft.apis[action]);
  const params = sampleFields(table, table.apis[action].params);
  if (table === draft && 'message_id' in params) params.message_id = 'Group:700000001:1';
  if (table === draft && 'request_id' in params) params.request_id = 'friend:uid';
  return params;
}
