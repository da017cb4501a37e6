// Reads Prometheus' text format 0.0.4 as strictly as it is specified:
// https://prometheus.io/docs/instrumenting/exposition_formats/
import assert from 'node:assert/strict';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const VALUE = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/;

function readLabels(text, line) {
  const labels = {};
  let rest = text;
  while (rest !== '') {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/.exec(rest);
    assert.ok(match, `labels of: ${line}`);
    assert.ok(!(match[1] in labels), `a label twice: ${line}`);
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
    rest = rest.slice(match[0].length);
    if (match[3] === ',') assert.notEqual(rest, '', `a comma at the end: ${line}`);
  }
  return labels;
}

function checkHistogram(name, { samples }) {
  const series = new Map();
  for (const { name: sample, labels: { le, ...labels }, value } of samples) {
    const key = JSON.stringify(labels);
    if (!series.has(key)) series.set(key, { buckets: [] });
    const one = series.get(key);
    if (sample === `${name}_bucket`) one.buckets.push([le === '+Inf' ? Infinity : Number(le), value]);
    else one[sample.slice(name.length)] = value;
  }
  for (const [key, one] of series) {
    assert.equal(one.buckets.at(-1)[0], Infinity, key);
    assert.equal(one.buckets.at(-1)[1], one._count, key);
    assert.ok(one._sum >= 0, key);
    one.buckets.reduce(([bound, count], next) => {
      assert.ok(next[0] > bound && next[1] >= count, `${name} ${key}`);
      return next;
    });
  }
}

// {family: {type, help, samples: [{name, labels, value}]}}; throws where it is malformed.
export function parse(text) {
  assert.ok(text.endsWith('\n'));
  const families = new Map();
  const seen = new Set();
  let current;
  for (const line of text.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment?.[1] === 'HELP') {
      const name = comment[2];
      assert.match(name, NAME);
      assert.ok(!families.has(name), `a family twice: ${name}`);
      current = { name, help: comment[3], samples: [] };
      families.set(name, current);
      continue;
    }
    if (comment) {
      assert.equal(comment[2], current?.name);
      assert.match(comment[3], /^(counter|gauge|histogram)$/);
      assert.equal(current.samples.length, 0);
      current.type = comment[3];
      continue;
    }
    const sample = /^([^{\s]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(sample, line);
    const [, name, labels = '', value] = sample;
    assert.match(name, NAME);
    assert.match(value, VALUE, line);
    const suffixes = current.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    assert.ok(suffixes.some((s) => name === current.name + s), `${line} in ${current.name}`);
    if (current.type === 'counter') assert.match(name, /_total$/);
    const read = readLabels(labels, line);
    const key = `${name}${JSON.stringify(Object.entries(read).sort())}`;
    assert.ok(!seen.has(key), `a series twice: ${line}`);
    seen.add(key);
    current.samples.push({ name, labels: read, value: Number(value.replace('Inf', 'Infinity')) });
  }
  for (const [name, family] of families) {
    assert.ok(family.type, `${name} has no type`);
    if (family.type === 'histogram') checkHistogram(name, family);
  }
  return families;
}

// The value of the one sample with (at least) these labels; undefined where there is none.
export function valueOf(families, name, labels = {}) {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const found = family?.samples.filter((sample) =>
    sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === `${value}`));
  assert.ok(!found || found.length <= 1, `${name} ${JSON.stringify(labels)} is not one`);
  return found?.[0]?.value;
}
