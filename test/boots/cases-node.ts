import { type BootCase, notListening, shortStart, shortStartMs } from './boot-case.ts';

const listen = `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1');`;
/** Holds OTHERPORT, as another program does. */
const holder = {
  'holder.js': `require('node:http').createServer((q, r) => r.end('other')).listen(OTHERPORT, '127.0.0.1', () => {
  require('node:fs').writeFileSync('beside-up', '');
});`,
};
const beside = ['node', 'holder.js'];

/** Programs that end. */
export const nodeExits: readonly BootCase[] = [
  {
    name: 'node-syntax-error',
    language: 'node',
    what: 'line 3 has one parenthesis too few',
    files: {
      'server.js': `const http = require('node:http');
const port = process.env.PORT;
http.createServer((q, r) => r.end('ok').listen(port;
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/SyntaxError/, /server\.js:3/] },
  },
  {
    name: 'node-missing-package',
    language: 'node',
    what: 'requires a package that is not installed',
    files: {
      'server.js': `const http = require('node:http');\nconst app = require('expressly-missing')();\n${listen}\n`,
    },
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/Cannot find (?:module|package) '?expressly-missing/, /server\.js/],
      better: [/npm (?:ci|install)/],
    },
  },
  {
    name: 'node-missing-package-esm',
    language: 'node',
    what: 'imports a package that is not installed',
    files: {
      'server.mjs': `import fastify from 'fastify-of-nobody';\nfastify().listen({ port: process.env.PORT });\n`,
    },
    command: 'node server.mjs',
    expected: {
      from: 'exit',
      facts: [/Cannot find (?:module|package) '?fastify-of-nobody/, /server\.mjs/],
      better: [/npm (?:ci|install)/],
    },
  },
  {
    name: 'node-missing-own-file',
    language: 'node',
    what: 'requires a file of its own that was not deployed',
    files: { 'server.js': `const users = require('./routes/users');\n${listen}\n` },
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/\.\/routes\/users/, /Cannot find module/, /server\.js/],
      wrong: [/npm (?:ci|install)/],
    },
  },
  {
    name: 'node-not-built',
    language: 'node',
    what: 'starts dist/server.js, which no build has made',
    files: { 'package.json': '{ "name": "shop" }' },
    command: 'node dist/server.js',
    expected: {
      from: 'exit',
      facts: [/dist\/server\.js/, /Cannot find module|no such file|does not exist/],
      wrong: [/npm (?:ci|install)/],
    },
  },
  {
    name: 'node-stack-in-init',
    language: 'node',
    what: 'an exception in config.js, line 4, which server.js calls',
    files: {
      'config.js': `exports.read = (file) => {
  const all = require(file);
  // Production has no section of its own.
  return { host: all.production.host };
};
`,
      'settings.json': '{ "development": { "host": "localhost" } }',
      'server.js': `const { host } = require('./config').read('./settings.json');\n${listen}\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/Cannot read properties of undefined \(reading 'host'\)/, /config\.js:4/] },
  },
  {
    name: 'node-missing-variable',
    language: 'node',
    what: 'throws where DATABASE_URL_OF_SHOP is not set',
    files: {
      'server.js': `if (!process.env.DATABASE_URL_OF_SHOP) {\n  throw new Error('DATABASE_URL_OF_SHOP is not set');\n}\n${listen}\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/DATABASE_URL_OF_SHOP is not set/], better: [/server\.js:2/] },
  },
  {
    name: 'node-missing-variable-quiet',
    language: 'node',
    what: 'one line about a missing variable, and exit 1, after two usual lines',
    files: {
      'server.js': `console.log('shop 4.2.0');
console.log('reading the environment');
console.error('Missing required environment variable STRIPE_KEY_OF_SHOP');
process.exit(1);
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/STRIPE_KEY_OF_SHOP/], better: [/code 1|status 1/] },
  },
  {
    name: 'node-database-refused',
    language: 'node',
    what: 'connects to a database at which nothing listens, and does not handle the error',
    files: {
      'server.js': `require('node:net').connect(OTHERPORT, '127.0.0.1').on('connect', () => {\n  ${listen}\n});\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/refused/i, /127\.0\.0\.1:OTHERPORT/] },
  },
  {
    name: 'node-database-name',
    language: 'node',
    what: 'the name of the database does not resolve',
    files: {
      'server.js': `require('node:dns').lookup('db.shop.invalid', (error) => {\n  if (error) throw error;\n  ${listen}\n});\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/db\.shop\.invalid/, /ENOTFOUND|EAI_AGAIN|resolve/] },
  },
  {
    name: 'node-unhandled-rejection',
    language: 'node',
    what: 'an async start function rejects',
    files: {
      'server.js': `async function start() {
  const settings = await load();
  ${listen}
}
async function load() {
  throw new Error('the settings have no key "currency"');
}
start();
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/the settings have no key "currency"/, /server\.js:6/] },
  },
  {
    name: 'node-rejects-a-text',
    language: 'node',
    what: 'rejects with a text that is no Error',
    files: { 'server.js': `Promise.reject('vault is sealed');\nsetTimeout(() => {}, 60000);\n` },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/vault is sealed/] },
  },
  {
    name: 'node-broken-json',
    language: 'node',
    what: 'its config.json has a comma too many',
    files: {
      'config.json': '{\n  "port": 3000,\n}\n',
      'server.js': `const config = require('./config.json');\n${listen}\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/config\.json/, /JSON/] },
  },
  {
    name: 'node-require-in-module',
    language: 'node',
    what: 'uses require in a package of "type": "module"',
    files: { 'package.json': '{ "type": "module" }', 'server.js': `${listen}\n` },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/require is not defined/, /ES module|server\.js:1/] },
  },
  {
    name: 'node-typescript-enum',
    language: 'node',
    what: 'a TypeScript file with an enum, which Node cannot strip',
    files: { 'server.ts': `enum Mode { Development, Production }\nconsole.log(Mode.Production);\n` },
    command: 'node server.ts',
    expected: { from: 'exit', facts: [/enum/, /server\.ts:1|strip-only/] },
  },
  {
    name: 'node-wrong-version',
    language: 'node',
    what: 'the program wants a newer Node, says so in a line, and exits 1',
    files: {
      'server.js': `console.error('This application requires Node.js >= 99.0.0, you are using ' + process.version);\nprocess.exit(1);\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/requires Node\.js >= 99/] },
  },
  {
    name: 'node-unknown-option',
    language: 'node',
    what: 'an option of node that this version does not know',
    files: { 'server.js': listen },
    command: 'node --harmony-everything server.js',
    expected: { from: 'exit', facts: [/bad option/, /--harmony-everything/] },
  },
  {
    name: 'node-port-taken',
    language: 'node',
    what: 'its port is fixed, and another process listens there and answers 200',
    files: { ...holder, 'server.js': listen },
    beside,
    command: 'node server.js',
    keys: { port: 'OTHERPORT' },
    expected: {
      from: 'start',
      plusMs: 1000,
      facts: [/EADDRINUSE|in use|another process|taken|already listens/i, /OTHERPORT/, /\bOTHERPID\b/],
      may: ['port taken', 'no such command'],
    },
  },
  {
    name: 'node-second-port-taken',
    language: 'node',
    what: 'its metrics port is taken by another process',
    files: {
      ...holder,
      'server.js': `require('node:http').createServer((q, r) => r.end()).listen(OTHERPORT, '127.0.0.1', () => {\n  ${listen}\n});\n`,
    },
    beside,
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/EADDRINUSE|in use/, /OTHERPORT/],
      better: [/\bOTHERPID\b/],
      may: ['port taken'],
      wrong: [/port INSTANCEPORT is (?:already )?(?:in use|taken)/],
    },
  },
  {
    name: 'node-exits-0-at-once',
    language: 'node',
    what: 'prints a line and ends with 0: no server keeps it alive',
    files: { 'server.js': `console.log('compiled 14 files');\n` },
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/(?:code|status) 0\b|exited with 0|successfully|without an error/i],
      wrong: [/crash/i],
    },
  },
  {
    name: 'node-exits-after-3-s',
    language: 'node',
    what: 'serves, and exits with 7 after three seconds: its license has ended',
    files: {
      'server.js': `${listen}\nsetTimeout(() => {\n  console.error('license expired on 2026-01-01');\n  process.exit(7);\n}, 3000);\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/(?:code|status) 7\b/, /license expired/], mayBeReady: true },
  },
  {
    name: 'node-silent-exit',
    language: 'node',
    what: 'exits with 3 and prints nothing',
    files: { 'server.js': 'process.exit(3);\n' },
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/(?:code|status) 3\b/],
      better: [/(?:no|nothing|without)\b.{0,30}(?:output|print|wrote|line)|printed nothing|wrote nothing/i],
    },
  },
  {
    name: 'node-prints-much',
    language: 'node',
    what: 'prints 20,000 lines of debugging, then the error, then exits with 1',
    files: {
      'server.js': `const fs = require('node:fs');
for (let i = 0; i < 20000; i++) fs.writeSync(1, 'debug: module ' + i + ' loaded\\n');
fs.writeSync(2, 'Error: config.json:7: unknown key "prot"\\n');
process.exit(1);
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/config\.json:7: unknown key "prot"/] },
  },
  {
    name: 'node-error-then-chatter',
    language: 'node',
    what: 'the error comes first, and four lines of goodbye follow it',
    files: {
      'server.js': `console.error('FATAL: cannot read the signing key keys/signing.pem');
console.log('closing the cache');
console.log('closing the queue');
console.log('flushing metrics');
console.log('bye');
process.exitCode = 1;
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/cannot read the signing key keys\/signing\.pem/] },
  },
  {
    name: 'node-json-log',
    language: 'node',
    what: 'logs JSON lines; the error is a member of the last but one',
    files: {
      'server.js': `const log = (level, msg, more) => console.log(JSON.stringify({ level, time: Date.now(), pid: process.pid, msg, ...more }));
log(30, 'starting');
log(60, 'start failed', { err: { type: 'Error', message: 'bucket "uploads-eu" does not exist', stack: 'Error: bucket\\n    at start (/app/s3.js:12:9)' } });
log(30, 'exit');
process.exitCode = 1;
`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/bucket \\?"uploads-eu\\?" does not exist/] },
  },
  {
    name: 'node-prints-secret',
    language: 'node',
    what: 'cannot reach its database, and prints the URL with the password',
    files: {
      'server.js': `const url = process.env.DATABASE_URL;
require('node:net').connect(OTHERPORT, '127.0.0.1').on('error', (error) => {
  console.error('cannot connect to ' + url + ': ' + error.message);
  process.exit(1);
});
`,
    },
    command: 'node server.js',
    keys: { environment: { DATABASE_URL: 'postgres://shop:tr0mbone-Zebra91@127.0.0.1:OTHERPORT/shop' } },
    expected: { from: 'exit', facts: [/refused/i, /127\.0\.0\.1:OTHERPORT/], secret: 'tr0mbone-Zebra91' },
  },
  {
    name: 'node-needs-tty',
    language: 'node',
    what: 'wants a terminal',
    files: {
      'server.js': `if (!process.stdin.isTTY) {\n  console.error('the input device is not a TTY');\n  process.exit(1);\n}\n${listen}\n`,
    },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/not a TTY/] },
  },
  {
    name: 'node-heap-full',
    language: 'node',
    what: 'its heap of 24 MiB is full while it reads a catalogue',
    files: { 'server.js': `const all = [];\nfor (;;) all.push(new Array(1000).fill({}).map((v, i) => ({ i })));\n` },
    command: 'node --max-old-space-size=24 server.js',
    expected: { from: 'exit', facts: [/heap out of memory|heap limit|heap is full/i], may: ['memory', 'signal'] },
  },
  {
    name: 'node-aborts',
    language: 'node',
    what: 'a native part calls abort()',
    files: { 'server.js': 'process.abort();\n' },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/SIGABRT|abort/i], may: ['signal'] },
  },
  {
    name: 'node-sigkill',
    language: 'node',
    what: 'something kills it by SIGKILL while it starts',
    files: { 'server.js': `process.kill(process.pid, 'SIGKILL');\nsetTimeout(() => {}, 60000);\n` },
    command: 'node server.js',
    expected: { from: 'exit', facts: [/SIGKILL/], may: ['signal'], wrong: [/ran out of memory/i] },
  },
  {
    name: 'node-descriptors',
    language: 'node',
    what: 'opens 200 files under a limit of 64 descriptors',
    files: {
      'server.js': `const fs = require('node:fs');\nfor (let i = 0; i < 200; i++) fs.openSync('server.js');\n${listen}\n`,
    },
    command: ['sh', '-c', 'ulimit -n 64; exec node server.js'],
    expected: { from: 'exit', facts: [/EMFILE|too many open files/i], better: [/server\.js:2/] },
  },
  {
    name: 'node-crash-at-first-request',
    language: 'node',
    what: 'starts well, and its handler throws at each request, which ends the process',
    files: {
      'server.js': `const http = require('node:http');
http.createServer((request, response) => {
  const session = undefined;
  response.end(session.user.name);
}).listen(process.env.PORT, '127.0.0.1');
`,
    },
    command: 'node server.js',
    expected: {
      from: 'exit',
      facts: [/Cannot read properties of undefined \(reading 'user'\)/, /server\.js:4/],
      better: [/GET \/|request|check/i],
    },
  },
  {
    name: 'npm-missing-script',
    language: 'node',
    what: 'npm run of a script that package.json does not have',
    files: {
      'package.json': '{ "name": "shop", "version": "1.0.0", "scripts": { "serve": "node server.js" } }',
      'server.js': listen,
    },
    command: 'npm run start:production',
    expected: { from: 'exit', facts: [/Missing script: "?start:production/i] },
  },
  {
    name: 'npm-start-fails',
    language: 'node',
    what: 'npm start runs a server whose module is missing, and npm has lines of its own after it',
    files: {
      'package.json': '{ "name": "shop", "version": "1.0.0", "scripts": { "start": "node server.js" } }',
      'server.js': `require('koa-of-nobody');\n`,
    },
    command: 'npm start',
    expected: { from: 'exit', facts: [/Cannot find (?:module|package) '?koa-of-nobody/] },
  },
  {
    name: 'npm-no-package-json',
    language: 'node',
    what: 'npm start in a folder without package.json',
    files: { 'server.js': listen },
    command: 'npm start',
    expected: { from: 'exit', facts: [/package\.json/, /ENOENT|could not|no such file/i] },
  },
  {
    name: 'npx-not-installed',
    language: 'node',
    what: 'npx, offline, with a program that is not installed',
    files: { 'package.json': '{ "name": "shop", "version": "1.0.0" }' },
    command: 'npx --no-install vite-of-nobody --port {port}',
    keys: { environment: { npm_config_offline: 'true' } },
    expected: { from: 'exit', facts: [/vite-of-nobody|npx canceled|missing packages|could not determine executable/] },
  },
  {
    name: 'node-literal-port-variable',
    language: 'node',
    what: 'the command has $PORT, and no shell expands it',
    files: {
      'server.js': `const port = process.argv[2];\nif (!/^\\d+$/.test(port)) {\n  console.error('invalid port: ' + port);\n  process.exit(2);\n}\n`,
    },
    command: ['node', 'server.js', '$PORT'],
    expected: { from: 'exit', facts: [/invalid port: \$PORT/], better: [/\{port\}|shell/] },
  },
];

/** Programs that stay, and do not become ready as they should. */
export const nodeHangs: readonly BootCase[] = [
  {
    name: 'node-wrong-port',
    language: 'node',
    what: 'listens on a port of its own and does not read PORT',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen(OTHERPORT, '127.0.0.1', () => {
  console.log('listening');
  require('node:fs').writeFileSync('seen', 'OTHERPORT');
});
`,
    },
    command: 'node server.js',
    expected: { from: 'seen', facts: [/OTHERPORT/, /INSTANCEPORT|\bPORT\b/], may: ['wrong port'] },
  },
  {
    name: 'node-random-port',
    language: 'node',
    what: 'reads APP_PORT, which is not set, so that it listens on any free port, on all addresses',
    files: {
      'server.js': `const server = require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.APP_PORT, () => {
  require('node:fs').writeFileSync('seen', String(server.address().port));
});
`,
    },
    command: 'node server.js',
    expected: { from: 'seen', facts: [/\bSEEN\b/, /INSTANCEPORT|\bPORT\b/], may: ['wrong port'] },
  },
  {
    name: 'node-ipv6-loopback',
    language: 'node',
    what: 'listens on ::1 alone',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '::1', () => {
  require('node:fs').writeFileSync('seen', '');
});
`,
    },
    command: 'node server.js',
    expected: { from: 'seen', facts: [/::1/, /127\.0\.0\.1|IPv4/], may: ['ipv6', 'wrong port'] },
  },
  {
    name: 'node-other-address',
    language: 'node',
    what: 'listens on 127.0.0.2 alone',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.2', () => {
  require('node:fs').writeFileSync('seen', '');
});
`,
    },
    command: 'node server.js',
    expected: { from: 'seen', facts: [/127\.0\.0\.2/], may: ['wrong port'] },
  },
  {
    name: 'node-unix-socket',
    language: 'node',
    what: 'listens on a unix socket instead of the port',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen('./app.sock', () => {
  require('node:fs').writeFileSync('seen', '');
});
`,
    },
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 1000,
      facts: [/app\.sock|unix socket/i, /INSTANCEPORT|\bPORT\b/],
      may: ['wrong port'],
    },
  },
  {
    name: 'node-tls',
    language: 'node',
    what: 'speaks TLS on the port',
    before:
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 2 2>/dev/null',
    files: {
      'server.js': `const fs = require('node:fs');
const options = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') };
require('node:https').createServer(options, (q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1', () => {
  fs.writeFileSync('seen', '');
});
`,
    },
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 500,
      facts: [/\bTLS\b|\bHTTPS\b|\bSSL\b/i],
      may: ['tls'],
      wrong: [/nothing listens/i],
    },
  },
  {
    name: 'node-database-waits',
    language: 'node',
    what: 'tries its database again each second, and listens only after it',
    files: {
      'server.js': `const net = require('node:net');
const attempt = () => net.connect(OTHERPORT, '127.0.0.1').on('error', (error) => {
  console.log('waiting for postgres: ' + error.message);
  setTimeout(attempt, 1000);
});
attempt();
`,
    },
    command: 'node server.js',
    keys: shortStart,
    expected: { from: shortStartMs, facts: [/127\.0\.0\.1:OTHERPORT/, notListening], better: [/waiting for postgres/] },
  },
  {
    name: 'node-hangs-silently',
    language: 'node',
    what: 'waits for a lock that is never released, prints nothing and never listens',
    files: { 'server.js': 'setInterval(() => {}, 1000);\n' },
    command: 'node server.js',
    keys: shortStart,
    expected: { from: shortStartMs, facts: [notListening, /INSTANCEPORT/], may: ['timeout'] },
  },
  {
    name: 'node-busy-before-listen',
    language: 'node',
    what: 'computes for ever before it listens',
    files: { 'server.js': `console.log('warming up the cache');\nfor (let n = 0; ; n++) Math.sqrt(n);\n` },
    command: 'nice -n 19 node server.js',
    keys: shortStart,
    expected: { from: shortStartMs, facts: [notListening], better: [/warming up the cache/], may: ['timeout'] },
  },
  {
    name: 'node-blocked-after-listen',
    language: 'node',
    what: 'listens, and then its event loop is blocked: the kernel accepts, and no answer comes',
    files: {
      'server.js': `require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '127.0.0.1', () => {
  require('node:fs').writeFileSync('seen', '');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
`,
    },
    command: 'node server.js',
    expected: {
      from: 'seen',
      plusMs: 1500,
      facts: [/(?:no|not|without)\b.{0,30}(?:answer|respon|reply)|timed out|timeout/i],
      may: ['timeout'],
      wrong: [/nothing listens/i, /refused/i],
    },
  },
  {
    name: 'node-late-beyond-limit',
    language: 'node',
    what: 'listens after nine seconds, where four are allowed',
    files: { 'server.js': `console.log('loading the model');\nsetTimeout(() => {\n  ${listen}\n}, 9000);\n` },
    command: 'node server.js',
    keys: shortStart,
    expected: { from: shortStartMs, facts: [notListening], better: [/loading the model/, /4 s/], may: ['timeout'] },
  },
  {
    name: 'node-workers-die',
    language: 'node',
    what: 'a cluster whose workers throw; the primary forks new ones for ever',
    files: {
      'server.js': `const cluster = require('node:cluster');
if (cluster.isPrimary) {
  cluster.on('exit', (worker, code) => {
    console.log('worker ' + worker.process.pid + ' died with ' + code);
    setTimeout(() => cluster.fork(), 700);
  });
  cluster.fork();
} else {
  require('sharp-of-nobody');
}
`,
    },
    command: 'node server.js',
    keys: shortStart,
    expected: { from: shortStartMs, facts: [/sharp-of-nobody/], better: [notListening, /worker/], may: ['timeout'] },
  },
  {
    name: 'node-daemon',
    language: 'node',
    what: 'starts the server as a detached process and ends with 0',
    files: {
      'real.js': `${listen}\nsetTimeout(() => process.exit(), 20000);\n`,
      'server.js': `require('node:child_process').spawn('node', ['real.js'], { detached: true, stdio: 'ignore' }).unref();\n`,
    },
    command: 'node server.js',
    expected: {
      from: 'exit',
      plusMs: 500,
      facts: [
        /(?:code|status) 0\b|exited with 0/i,
        /background|daemon|detach|child|left|still (?:runs|listens)|another process|foreground/i,
      ],
      may: ['left running', 'port taken'],
      mayBeReady: true,
    },
  },
];
