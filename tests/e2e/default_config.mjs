// Run by http_server.test.mjs, in a network of its own where possible: milky without a configuration.
// Where the port is in use nevertheless, milky must say so and end.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BOT, Client, GROUP, Milky, call, run } from './harness.mjs';

const probe = createServer().listen(3000, '127.0.0.1');
const free = await Promise.race([once(probe, 'listening').then(() => true), once(probe, 'error').then(() => false)]);

async function assertTaken() {
  const dir = await mkdtemp(join(tmpdir(), 'milky-e2e-'));
  const result = await run(['serve'], { cwd: dir });
  assert.equal(result.code, 1);
  assert.match(result.stderr, /127\.0\.0\.1:3000.*(in use|another milky)/);
  assert.ok(!result.stdout.includes('ready'));
  await rm(dir, { recursive: true });
}

await assertTaken(); // by the probe, or by another program
if (free) {
  await new Promise((resolve) => probe.close(resolve));
  const milky = await Milky.start();
  assert.equal(milky.address('http_server'), '127.0.0.1:3000');
  assert.equal(milky.address('websocket_server'), '127.0.0.1:3000');
  const base = 'http://127.0.0.1:3000';
  assert.equal((await call(base, 'get_login_info')).body.data.uin, BOT);
  const { body: friends } = await call(base, 'get_friend_list');
  assert.deepEqual(friends.data.friends.map((friend) => friend.user_id).sort(),
    [10002000, 10003001, 10003002, 10003003, 10003004, 10003005]);
  const client = await Client.connect('ws://127.0.0.1:3000/');
  await milky.say(10003001, { group: GROUP }, 'hello');
  assert.equal((await client.events.next()).data.data.group_id, GROUP);
  client.socket.terminate();
  // There is no file to reload, and both ways to reload say so.
  milky.child.kill('SIGHUP');
  await milky.log.find((line) => / warn .*it runs without a configuration file/.test(line), 'the log to say so');
  const reloaded = await milky.run(['reload']);
  assert.equal(reloaded.code, 1);
  assert.match(reloaded.stderr, /it runs without a configuration file/);
  assert.equal(await milky.stop(), 0, milky.stderr);
}
console.log(free ? 'served' : 'taken');
