// Many clients that connect and disconnect: nothing is lost, and memory does not grow. SOAK=1 runs ten thousand
// for an hour (SOAK_CLIENTS, SOAK_MINUTES, SOAK_RATE: events a second), and prints its progress.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soaking.mjs';

const { SOAK, SOAK_CLIENTS = 10000, SOAK_MINUTES = 60, SOAK_RATE = 4 } = process.env;
const SHORT = { clients: 300, seconds: 6, rate: 30, churn: 10 };
const LONG = { clients: Number(SOAK_CLIENTS), seconds: SOAK_MINUTES * 60, rate: Number(SOAK_RATE), churn: 1 };
const { clients, seconds, rate, churn } = SOAK ? LONG : SHORT;

// A line a minute.
function telling() {
  let next = 0;
  return (said, used) => {
    if (!SOAK || performance.now() < next) return;
    next = performance.now() + 60000;
    console.log(`${new Date().toISOString().slice(11, 19)}  ${said.open} clients, ${used.connections} connections, ` +
      `${used.fds} descriptors, ${used.memory.toFixed(1)} MiB; ${said.said} events made, ${said.events} received, ` +
      `${said.replies} replies, ${said.arrivals} arrivals (${said.replays} replays), slowest ${said.slowest_ms} ms`);
  };
}

test(`${clients} clients for ${seconds / 60} minutes`, async (t) => {
  const result = await soak(t, { clients, seconds, rate, churn, progress: telling() });
  const { early, late } = result;
  t.diagnostic(`memory ${early.memory.toFixed(1)} MiB early, ${late.memory.toFixed(1)} MiB late (of a database of ` +
    `${early.pages.toFixed(1)}, ${late.pages.toFixed(1)} MiB), ${result.left.toFixed(1)} MiB when all had left; ` +
    `descriptors ${result.fds} of ${result.baseline}; ${result.said} events made, ${result.events} received, ` +
    `${result.replies} replies, ${result.arrivals} arrivals (${result.replays} replays), ${result.departures} departures; ` +
    `webhook ${result.posted} (${result.failures} failures, ${result.again} again), ${result.peers} times a peer`);
  // The world has grown, and so has its cache in memory; the journal's pages are two MiB at most.
  const world = (late.pages - early.pages) * 1.2;
  assert.ok(late.memory <= early.memory * 1.1 + world + 3, `memory has grown from ${early.memory} to ${late.memory} MiB`);
  assert.ok(result.left <= late.memory * 1.05 + 2, `${result.left} MiB are left of ${late.memory} when all had gone`);
  assert.ok(result.replays > 0 && result.departures > 0 && result.replies > 0 && result.failures + result.again > 0);
});
