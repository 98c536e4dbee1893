import type { BootCase } from './boot-case.ts';

const listen = `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1');`;

/** Programs in which nothing is wrong. */
export const goodStarts: readonly BootCase[] = [
  {
    name: 'good-first-checks-fail',
    language: 'node',
    what: 'answers 503 for its first second, then 200',
    files: {
      'server.js': `const since = Date.now();
require('node:http').createServer((request, response) => {
  response.statusCode = Date.now() - since < 1200 ? 503 : 200;
  response.end();
}).listen(process.env.PORT, '127.0.0.1');
`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 8000 },
  },
  {
    name: 'good-node',
    language: 'node',
    what: 'listens at once',
    files: { 'server.js': listen },
    command: 'node server.js',
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-late',
    language: 'node',
    what: 'listens after eight seconds, well within its limit',
    files: { 'server.js': `console.log('loading the catalogue');\nsetTimeout(() => {\n  ${listen}\n}, 8000);\n` },
    command: 'node server.js',
    expected: { readyWithinMs: 14_000 },
  },
  {
    name: 'good-noisy',
    language: 'node',
    what: 'prints errors and a stack trace that it has handled, then listens after two seconds',
    files: {
      'server.js': `console.error('Error: connect ECONNREFUSED 127.0.0.1:6379');
console.error('    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16)');
console.error('WARN cache is not there, going on without it');
console.error("Error: Cannot find module 'canvas' (optional)");
setTimeout(() => {
  ${listen}
}, 2000);
`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 8000 },
  },
  {
    name: 'good-deprecations',
    language: 'python',
    what: 'prints deprecation warnings',
    files: {
      'app.py': `import os, warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
warnings.warn('the module cgi is deprecated and slated for removal', FutureWarning)
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'ok')
HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`,
    },
    command: 'python3 -X dev app.py',
    expected: { readyWithinMs: 8000 },
  },
  {
    name: 'good-204',
    language: 'node',
    what: 'its health path answers 204, and / answers 404',
    files: {
      'server.js': `require('node:http').createServer((request, response) => {
  response.statusCode = request.url === '/up' ? 204 : 404;
  response.end();
}).listen(process.env.PORT, '127.0.0.1');
`,
    },
    command: 'node server.js',
    keys: { readiness: '/up' },
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-401-expected',
    language: 'node',
    what: 'answers 401, which the configuration expects',
    files: {
      'server.js': `require('node:http').createServer((q, r) => { r.statusCode = 401; r.end(); }).listen(process.env.PORT, '127.0.0.1');\n`,
    },
    command: 'node server.js',
    keys: { readiness: { path: '/', expect: { status: 401 } } },
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-two-ports',
    language: 'node',
    what: 'has a metrics port, open three seconds before its own',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('metrics')).listen(OTHERPORT, '127.0.0.1');
setTimeout(() => {
  ${listen}
}, 3000);
`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 9000, wrong: [/wrong port|instead of|PORT is (?:not|ignored)|does not read PORT/i] },
  },
  {
    name: 'good-all-addresses',
    language: 'node',
    what: 'listens on :: for both families',
    files: { 'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT);\n` },
    command: 'node server.js',
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-second-try',
    language: 'shell',
    what: 'fails once, as its database is not up yet, and starts well the second time',
    files: {
      'start.sh': `if [ ! -e tried ]; then touch tried; echo 'database is starting up' >&2; exit 1; fi\nexec node server.js\n`,
      'server.js': listen,
    },
    command: 'sh start.sh',
    expected: { readyWithinMs: 9000 },
  },
  {
    name: 'good-wrapper',
    language: 'shell',
    what: 'a script that does not exec: the server is its child',
    files: { 'start.sh': `echo 'starting the shop'\nnode server.js\n`, 'server.js': listen },
    command: 'sh start.sh',
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-npm',
    language: 'node',
    what: 'npm start',
    files: {
      'package.json':
        '{ "name": "shop", "version": "1.0.0", "scripts": { "prestart": "node -e 0", "start": "node server.js" } }',
      'server.js': listen,
    },
    command: 'npm start',
    expected: { readyWithinMs: 15_000 },
  },
  {
    name: 'good-tcp',
    language: 'node',
    what: 'speaks no HTTP, and `readiness: tcp` is set',
    files: {
      'server.js': `require('node:net').createServer((s) => s.end('hello')).listen(process.env.PORT, '127.0.0.1');\n`,
    },
    command: 'node server.js',
    keys: { readiness: 'tcp' },
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-http2',
    language: 'node',
    what: 'HTTP/2 in clear text, and `http2: true` is set',
    files: {
      'server.js': `require('node:http2').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1');\n`,
    },
    command: 'node server.js',
    keys: { http2: true },
    expected: { readyWithinMs: 6000 },
  },
  {
    name: 'good-prints-much',
    language: 'node',
    what: 'prints 5,000 lines, then listens',
    files: {
      'server.js': `const fs = require('node:fs');\nfor (let i = 0; i < 5000; i++) fs.writeSync(1, 'error handler ' + i + ' registered\\n');\n${listen}\n`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 8000 },
  },
  {
    name: 'good-cluster',
    language: 'node',
    what: 'a cluster: two workers listen on one port',
    files: {
      'server.js': `const cluster = require('node:cluster');
if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
} else {
  ${listen}
}
`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 8000 },
  },
  {
    name: 'good-gunicorn',
    language: 'python',
    what: 'gunicorn with one worker',
    files: {
      'wsgi.py': `def app(environ, start):\n    start('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n`,
    },
    command: 'gunicorn --bind 127.0.0.1:{port} wsgi:app',
    expected: { readyWithinMs: 10_000 },
  },
  {
    name: 'good-uvicorn',
    language: 'python',
    what: 'uvicorn',
    files: {
      'main.py': `async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'2')]})
        await send({'type': 'http.response.body', 'body': b'ok'})
`,
    },
    command: 'uvicorn main:app --host 127.0.0.1 --port {port} --lifespan off',
    expected: { readyWithinMs: 10_000 },
  },
  {
    name: 'good-slow-answers',
    language: 'node',
    what: 'takes half a second for each answer but the first',
    files: {
      'server.js': `let answered = 0;
require('node:http').createServer((q, r) => setTimeout(() => r.end('ok'), answered++ === 0 ? 0 : 500)).listen(process.env.PORT, '127.0.0.1');
`,
    },
    command: 'node server.js',
    expected: { readyWithinMs: 9000 },
  },
];
