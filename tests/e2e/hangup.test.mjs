// Clients that disconnect while their call is in flight, and is never answered: their connections end.
// A client that has only ended its side of the connection gets its answer.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { certificate } from './fixtures.mjs';
import { BOT, botConfig, serve, within } from './harness.mjs';
import { Raw, frame, post, rawWebSocket } from './raw.mjs';

const LISTEN = '127.0.0.1:0';
const NEVER = 'get_login_info'; // takes ten minutes
const SLOW = 'get_friend_list'; // takes a moment
const LONG = 600 * 1000;

async function sandbox(t, transports, limits) {
  const milky = await serve(t, { ...botConfig(transports), limits });
  const fault = (action, latency) => milky.run(['do', 'fault', `bot=${BOT}`, `action=${action}`, `latency=${latency}`]);
  for (const [action, latency] of [[NEVER, LONG], [SLOW, 400]]) {
    const { code, stderr } = await fault(action, latency);
    assert.equal(code, 0, stderr);
  }
  return milky;
}

// The number of its sockets.
async function sockets(milky) {
  const folder = `/proc/${milky.child.pid}/fd`;
  const links = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.filter((link) => link.startsWith('socket:')).length;
}

// Looks again and again, with a request in between, during which the program runs.
async function settled(milky, count, what) {
  let last;
  const look = async () => {
    while ((last = await sockets(milky)) !== count) await milky.run(['status']);
  };
  await within(look(), what).catch((error) => assert.fail(`${error.message}: ${last} sockets, not ${count}`));
}

// Clients connect, send a call with `ask` and disconnect with `leave`; none of their sockets may remain.
async function comeAndGo(milky, connect, ask, leave = (one) => one.destroy()) {
  const before = await sockets(milky);
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await connect());
  await settled(milky, before + 3, 'all to be accepted');
  for (const client of clients) await client.write(ask).flush();
  for (const client of clients) leave(client);
  await settled(milky, before, 'all to be let go');
}

describe('disconnecting', () => {
  it('over HTTP', async (t) => {
    const milky = await sandbox(t, { http_server: [{ listen: LISTEN }] });
    const connect = () => Raw.connect(milky.address('http_server'));
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}'));
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}').repeat(3));
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}'), (one) => one.socket.resetAndDestroy());
    // A client of HTTP/1.0 is not probed: it may not understand an interim response.
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}', { version: '1.0' }));
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}', { version: '1.0' }), (one) => one.end());
  });

  it('on a Unix socket', async (t) => {
    const milky = await sandbox(t, { http_server: [{ listen: 'unix:here' }] });
    const connect = () => Raw.connect(`unix:${milky.dir}/here`);
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}'));
  });

  it('over TLS', async (t) => {
    const { file, keyFile, cert } = await certificate(t);
    const milky = await sandbox(t, { http_server: [{ listen: LISTEN, tls: { certificate: file, key: keyFile } }] });
    const connect = async () => {
      const [host, port] = milky.address('http_server').split(':');
      const socket = tlsConnect({ host, port: Number(port), servername: 'localhost', ca: cert });
      socket.on('error', () => {});
      await within(once(socket, 'secureConnect'), 'a handshake');
      return {
        write(text) {
          socket.write(text);
          return this;
        },
        flush: () => within(new Promise((resolve) => socket.write('', resolve)), 'the bytes to be sent'),
        destroy: () => socket.destroy(),
      };
    };
    await comeAndGo(milky, connect, post(`/${NEVER}`, '{}'));
  });

  it('a WebSocket with as many calls in flight as allowed', async (t) => {
    const milky = await sandbox(t, { websocket_server: [{ listen: LISTEN }] }, { calls_in_flight: 2 });
    const connect = () => rawWebSocket(milky.address('websocket_server'));
    const ask = Buffer.concat(Array.from({ length: 5 }, () => frame(1, `{"action":"${NEVER}"}`)));
    await comeAndGo(milky, connect, ask);
  });

  it('a client that has only ended its side gets its answers, after an interim response', async (t) => {
    const milky = await sandbox(t, { http_server: [{ listen: LISTEN }] });
    const connection = await Raw.connect(milky.address('http_server'));
    connection.write(post(`/${SLOW}`, '{}').repeat(2)).end();
    assert.deepEqual(await connection.response(), { status: 100, phrase: 'Continue', headers: {} });
    for (let i = 0; i < 2; i++) assert.equal((await connection.response()).json.status, 'ok');
    await connection.endedCleanly();
  });
});
