import type { BootCase } from './boot-case.ts';

const marks = `() => require('node:fs').writeFileSync('seen', '')`;
const answers = (handler: string): Readonly<Record<string, string>> => ({
  'server.js': `require('node:http').createServer((request, response) => {
  ${handler}
}).listen(process.env.PORT, '127.0.0.1', ${marks});
`,
});
const raw = (handler: string): Readonly<Record<string, string>> => ({
  'server.js': `require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  ${handler}
}).listen(process.env.PORT, '127.0.0.1', ${marks});
`,
});
const nothingListens = /nothing listens/i;

/** Programs that listen, and whose answers to the readiness check are wrong. */
export const answerCases: readonly BootCase[] = [
  {
    name: 'answers-500',
    language: 'node',
    what: 'answers 500, and its log says why',
    files: answers(
      `console.error('Error: relation "products" does not exist'); response.statusCode = 500; response.end('Internal Server Error');`,
    ),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/\b500\b/],
      better: [/GET \//, /relation \\?"products/],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-404',
    language: 'node',
    what: 'has no /healthz',
    files: answers(`response.statusCode = request.url === '/' ? 200 : 404; response.end();`),
    command: 'node server.js',
    keys: { readiness: '/healthz' },
    expected: { from: 'seen', plusMs: 500, facts: [/\b404\b/, /\/healthz/], wrong: [nothingListens] },
  },
  {
    name: 'answers-302',
    language: 'node',
    what: 'redirects every request to /login',
    files: answers(`response.writeHead(302, { location: '/login' }); response.end();`),
    command: 'node server.js',
    expected: { from: 'seen', plusMs: 500, facts: [/\b302\b/, /\/login/], wrong: [nothingListens] },
  },
  {
    name: 'answers-301-to-https',
    language: 'node',
    what: 'redirects every request to https',
    files: answers(
      `response.writeHead(301, { location: 'https://' + request.headers.host + request.url }); response.end();`,
    ),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/\b301\b/, /https:/],
      better: [/X-Forwarded-Proto|headers/i],
      may: ['tls'],
      wrong: [nothingListens, /speaks (?:TLS|HTTPS)/i],
    },
  },
  {
    name: 'answers-401',
    language: 'node',
    what: 'wants a password for every path',
    files: answers(`response.writeHead(401, { 'www-authenticate': 'Basic realm="shop"' }); response.end();`),
    command: 'node server.js',
    expected: { from: 'seen', plusMs: 500, facts: [/\b401\b/], wrong: [nothingListens] },
  },
  {
    name: 'answers-400-host',
    language: 'node',
    what: 'answers 400 where Host is none of its names, as Django does',
    files: answers(`response.statusCode = request.headers.host === 'shop.example' ? 200 : 400;
  console.error("Invalid HTTP_HOST header: '" + request.headers.host + "'. You may need to add it to ALLOWED_HOSTS."); response.end();`),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/\b400\b/],
      better: [/ALLOWED_HOSTS|Host\b/],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-503-migrations',
    language: 'node',
    what: 'answers 503 with a body that says why',
    files: answers(
      `response.writeHead(503, { 'content-type': 'text/plain' }); response.end('2 migrations are pending: run npm run migrate');`,
    ),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/\b503\b/],
      better: [/migrations are pending/],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-wrong-body',
    language: 'node',
    what: 'answers 200 with a body that is not the expected one',
    files: answers(`response.end('starting');`),
    command: 'node server.js',
    keys: { readiness: { path: '/', expect: { body: 'all-green' } } },
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/body/i, /all-green/],
      better: [/starting/],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-slowly',
    language: 'node',
    what: 'answers after five seconds, where a check has one',
    files: answers(`setTimeout(() => response.end('ok'), 5000);`),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 1500,
      facts: [
        /(?:no|not|without)\b.{0,30}(?:answer|respon|reply)|timed out|timeout|slow/i,
        /\b1(?:\.0)? ?s\b|1000 ?ms|1 second/,
      ],
      may: ['timeout'],
      wrong: [nothingListens, /refused/i],
    },
  },
  {
    name: 'answers-garbage',
    language: 'node',
    what: 'speaks another protocol: it greets as an SSH server does',
    files: raw(`socket.write('SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n');`),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/SSH-2\.0|not HTTP|no HTTP|not an? HTTP|HTTP/],
      better: [/SSH/],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-http2-only',
    language: 'node',
    what: 'HTTP/2 in clear text alone',
    files: {
      'server.js': `require('node:http2').createServer((request, response) => response.end('ok'))
  .listen(process.env.PORT, '127.0.0.1', ${marks});
`,
    },
    command: 'node server.js',
    expected: { from: 'seen', plusMs: 500, facts: [/HTTP\/2|h2c|http2/i], wrong: [nothingListens] },
  },
  {
    name: 'answers-http1-where-http2-is-set',
    language: 'node',
    what: 'HTTP/1.1 alone, and `http2: true` is set',
    files: answers(`response.end('ok');`),
    command: 'node server.js',
    keys: { http2: true },
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/HTTP\/1|HTTP\/2|http2/i],
      better: [/HTTP\/1/],
      // To speak HTTP/2 without TLS is what it has to do.
      may: ['tls'],
      wrong: [nothingListens],
    },
  },
  {
    name: 'answers-by-closing',
    language: 'node',
    what: 'closes each connection once a request comes',
    files: raw(`socket.on('data', () => socket.end());`),
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/clos|without (?:an answer|a response|answering)|reset|ended/i],
      wrong: [nothingListens, /refused/i],
    },
  },
  {
    name: 'answers-by-reset',
    language: 'node',
    what: 'resets each connection once a request comes',
    files: raw(`socket.on('data', () => socket.resetAndDestroy());`),
    command: 'node server.js',
    expected: { from: 'seen', plusMs: 500, facts: [/reset|ECONNRESET/i], wrong: [nothingListens, /refused/i] },
  },
];
