// Silent servers and receivers. All timeouts run at once, since each takes 15 or 30 seconds.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { hook, reverse, serve, textOf } from './fixtures.mjs';
import { BOT, GROUP, botConfig } from './harness.mjs';
import { RawServer } from './raw_server.mjs';

const MING = 10003001;

// A server that accepts connections and never sends anything. When it has closed its port, another one can have it.
async function silentServer(t) {
  const sockets = new Set();
  const server = createServer((socket) => sockets.add(socket.on('error', () => {}).resume()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  t.after(stop);
  return { port, stop };
}

describe('timeouts', { concurrency: 3 }, () => {
  it('a webhook that does not answer is tried again', async (t) => {
    let hanging = true;
    const receiver = await hook(t, {
      answer: () => (hanging ? new Promise(() => {}) : { status: 204 }),
    });
    const milky = await serve(t, botConfig({ webhook: [{ url: receiver.url }] }));
    await milky.say(MING, { group: GROUP }, 'one');
    await milky.say(MING, { group: GROUP }, 'two');
    const line = await milky.log.find((l) => l.includes(receiver.url), 'a timeout', 20000);
    assert.match(line, /warn  webhook: .*: timed out after 15 s; next try in 0\.\d s/);
    hanging = false;
    for (const word of ['one', 'two']) assert.equal(textOf((await receiver.next()).body.data), word);
    assert.equal(receiver.requests.size, 0);
  });

  it('a server that does not answer a handshake is tried again', async (t) => {
    const [plain, tls] = [await silentServer(t), await silentServer(t)];
    const milky = await serve(t, botConfig({
      websocket_client: [{ url: `ws://127.0.0.1:${plain.port}/a` }, { url: `wss://127.0.0.1:${tls.port}/b` }],
    }));
    const lines = new Map();
    while (lines.size < 2) {
      const line = await milky.log.find((l) => l.includes('next try'), 'a timeout', 20000);
      lines.set(/wss?:\/\/127\.0\.0\.1:\d+\/([ab])/.exec(line)[1], line);
    }
    assert.match(lines.get('a'), /: it did not answer in time; next try in 0\.\d s/);
    assert.match(lines.get('b'), /: timed out after 15 s; next try in 0\.\d s/);
    await plain.stop();
    const server = await reverse(t, { port: plain.port });
    const client = await server.next();
    assert.equal(client.request.headers['x-self-id'], `${BOT}`);
  });

  // RFC 6455, 5.5.3: of several pings the last one alone may be answered.
  it('a ping is repeated, and one answer is enough', async (t) => {
    const server = await RawServer.start(t);
    const milky = await serve(t, botConfig({ websocket_client: [{ url: server.url, replay: true }] }));
    const connection = await server.accept();
    const ping = () => connection.frames.find(({ opcode }) => opcode === 9, 'a ping', 40000);
    await milky.say(MING, { group: GROUP }, 'one');
    const first = await ping();
    assert.match(`${first.payload}`, /^\d+$/);
    connection.send(10, (await ping()).payload);
    // That was the answer: the next event gets a ping.
    await milky.say(MING, { group: GROUP }, 'two');
    assert.equal(Number((await ping()).payload), Number(first.payload) + 1);
  });
});
