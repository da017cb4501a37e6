// The peers on Node.js: `node node.mjs http|express|ws|uws|webhook PORT [URL...]`. Each does the same as
// milky is asked to, in the way its documentation shows.
import http from 'node:http';

const [kind, port, ...urls] = process.argv.slice(2);
const reply = { status: 'ok', retcode: 0, data: { uin: 10001000, nickname: 'Milky 10001000' } };
const event = JSON.stringify({
  post_type: 'event',
  self_id: 10001000,
  data: { time: 1770000000, event_type: 'message_receive', data: { text: 'x'.repeat(230) } },
}).padEnd(350);
const ready = () => console.log('ready');

function serveHttp() {
  http
    .createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        JSON.parse(Buffer.concat(chunks));
        const body = JSON.stringify(reply);
        response.writeHead(200, {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
        });
        response.end(body);
      });
    })
    .listen(port, '127.0.0.1', ready);
}

async function serveExpress() {
  const { default: express } = await import('express');
  const app = express();
  app.use(express.json());
  app.post('/:api', (request, response) => response.json(reply));
  app.listen(port, '127.0.0.1', ready);
}

// Calls on "/"; a message on "/trigger" is an event for all other clients.
async function serveWebSocket() {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ port, host: '127.0.0.1' }, ready);
  const clients = new Set();
  server.on('connection', (socket, request) => {
    const triggers = request.url === '/trigger';
    if (!triggers) clients.add(socket);
    socket.on('message', (message) => {
      if (triggers) {
        for (const client of clients) client.send(event);
        socket.send('ok');
        return;
      }
      const { echo } = JSON.parse(message);
      socket.send(
        JSON.stringify({ post_type: 'action_response', self_id: 10001000, data: { ...reply, echo } }),
      );
    });
    socket.on('close', () => clients.delete(socket));
    socket.on('error', () => {});
  });
}

// uWebSockets: its C++ serves and delivers, and only the answer of a call is made in JavaScript.
async function serveUWebSockets() {
  const { default: uws } = await import('uWebSockets.js');
  const app = uws.App();
  app.post('/*', (response) => {
    const chunks = [];
    response.onAborted(() => {});
    response.onData((chunk, isLast) => {
      chunks.push(Buffer.from(chunk.slice(0)));
      if (!isLast) return;
      JSON.parse(Buffer.concat(chunks));
      response.writeHeader('Content-Type', 'application/json').end(JSON.stringify(reply));
    });
  });
  app.ws('/*', {
    maxBackpressure: 64 * 1024 * 1024,
    upgrade(response, request, context) {
      const header = (name) => request.getHeader(`sec-websocket-${name}`);
      const data = { triggers: request.getUrl() === '/trigger' };
      response.upgrade(data, header('key'), header('protocol'), header('extensions'), context);
    },
    open(socket) {
      if (!socket.getUserData().triggers) socket.subscribe('events');
    },
    message(socket, message) {
      if (socket.getUserData().triggers) {
        app.publish('events', event);
        socket.send('ok');
        return;
      }
      const { echo } = JSON.parse(Buffer.from(message));
      socket.send(
        JSON.stringify({ post_type: 'action_response', self_id: 10001000, data: { ...reply, echo } }),
      );
    },
  });
  app.listen('127.0.0.1', Number(port), ready);
}

// A message on "/trigger" is an event for every URL.
async function serveWebhook() {
  const { WebSocketServer } = await import('ws');
  new WebSocketServer({ port, host: '127.0.0.1' }, ready).on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', () => {
      for (const url of urls)
        fetch(url, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: event,
        }).then((response) => response.arrayBuffer(), () => {});
      socket.send('ok');
    });
  });
}

const kinds = {
  http: serveHttp,
  express: serveExpress,
  ws: serveWebSocket,
  uws: serveUWebSockets,
  webhook: serveWebhook,
};
await kinds[kind]();
