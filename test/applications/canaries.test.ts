import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { operations } from '../../src/admin/operations.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// An application prints its secret in every form, and fails with it. No command, answer, event, metric, log or file has it. Commands and operations come
// from their registries: a new one is tried by itself.

const canary = 'c4nary "värd"/+?&\\ 7319';
const forms = [
  canary,
  JSON.stringify(canary).slice(1, -1),
  encodeURIComponent(canary),
  new URLSearchParams({ canary }).toString().slice('canary='.length),
  Buffer.from(canary).toString('base64'),
  Buffer.from(canary).toString('base64url'),
];
const tell = `const { env } = process;
const text = env.KEY;
console.log('plain ' + text);
console.log(JSON.stringify({ text }));
console.log('url ' + encodeURIComponent(text) + ' form ' + new URLSearchParams({ text }));
console.log('base64 ' + Buffer.from(text).toString('base64'), Buffer.from(text).toString('base64url'));
console.error('file ' + require('node:fs').readFileSync(env.KEY_FILE, 'utf8'));
`;
const files = {
  'server.cjs': `${tell}require('node:http').createServer((request, response) => {
  if (request.url.startsWith('/dies')) return process.exit(console.error('Error: ' + text) ?? 1);
  if (request.url.startsWith('/garbage')) return request.socket.end('rubbish');
  console.log('asked ' + text);
  response.end('ok');
}).listen(process.env.PORT, process.env.HOST);`,
  'worker.cjs': `${tell}console.log('waiting'); setInterval(() => {}, 1000);`,
  'more.env': `OTHER='${canary}'\nBAD ${canary}\n`,
  'fails.cjs': `${tell}throw new Error('no login with ' + text);`,
};
const node = (name: string): string => JSON.stringify([process.execPath, name]);
const yaml = `state: ./state
admin: { socket: ./admin.sock }
log: { path: ./exchanges.log }
store: { path: ./store }
applications:
  shop:
    command: ${node('server.cjs')}
    readiness: { path: /, interval: 50ms, passes: 1 }
    secrets: { KEY: key, KEY_FILE: { secret: key, as: file } }
    workers: { mail: { command: ${node('worker.cjs')}, ready: { line: waiting } } }
    jobs: { report: { command: ${node('fails.cjs')} } }
    releases: { before: ${node('fails.cjs')} }
routes: [{ to: shop }]
`;

/** Words of commands that need some. */
const words: Readonly<Record<string, readonly string[]>> = {
  adapt: ['procfile', 'server.cjs'],
  restart: ['shop/1'],
  'app scale': ['shop', '1'],
  'app restart': ['shop'],
  'app stop': ['shop.mail'],
  'app start': ['shop.mail'],
  'app output': ['shop'],
  'app shell': ['shop', '--', process.execPath, '-e', '0'],
  'configuration diff': ['1'],
  'configuration restore': ['1'],
  deploy: ['shop', '--from', '.'],
  'secret set': ['other'],
  'secret remove': ['other'],
  'secret import': ['more.env'],
  jobs: ['shop.report'],
  pause: ['shop'],
  drain: ['127.0.0.1:1'],
  eject: ['127.0.0.1:1'],
  weight: ['127.0.0.1:1', '1'],
  explain: ['exchanges.log'],
  whose: ['exchanges.log'],
  probe: ['http://127.0.0.1:1'],
  incident: ['1'],
  route: ['http://127.0.0.1/'],
  logs: ['kind:output'],
  token: ['ann'],
  password: ['ann'],
  'key new': ['ann'],
  sign: ['http://127.0.0.1/'],
};

/** Commands that serve until they are ended, or end the gateway. What they print is that of a gateway, which is looked at besides. */
const apart = new Set(['run', 'up', 'demo', 'torture', 'stop', 'upgrade', 'dashboard']);

/** Of operations that need a query. */
const queries: Readonly<Record<string, string>> = {
  readReleaseLog: '?application=shop&release=r1',
  explainRoute: '?url=http://127.0.0.1/',
  groupExchanges: '?by=route',
};

/** Another program writes the secret to its standard input. */
class Context extends FakeProcessContext {
  readonly secretInput = {
    isTerminal: false,
    readAll: async () => Buffer.from(canary),
    askHidden: () => assert.fail('nobody is there'),
  };
}

let edge: YamlGateway;
let admin: AdminServer;
const socketPath = (): string => join(edge.folder, 'admin.sock');

before(async () => {
  edge = await startFromYaml(yaml, { files, keepsText: true });
  admin = await startAdminServer({ gateway: edge.gateway, spec: socketAlone(socketPath()), clock: systemClock });
  const values = { key: canary };
  assert.equal((await ask('POST', '/v1/secrets/set', { values })).status, 200);
  await ready();
  await edge.get('/');
  await edge.get('/garbage');
  await edge.get('/dies').catch(() => undefined);
  await ready();
  await ask('POST', '/v1/jobs/run', { job: 'shop.report' });
});
const ready = (): Promise<void> =>
  until(
    'all programs are ready',
    () => edge.gateway.status().applications.every(({ instances }) => instances[0]?.phase === 'ready'),
    60_000,
  );
after(async () => {
  await admin?.close();
  await edge?.stop();
});

function assertHidden(text: string, where: string): void {
  const shown = forms.find((form) => text.includes(form));
  assert.equal(
    shown,
    undefined,
    `${where} shows the secret: ${text.slice(Math.max(0, text.indexOf(shown ?? '') - 200))}`,
  );
}

describe('a secret that a program prints is shown by', () => {
  test('no command, also with --json', async () => {
    const asked: string[] = [];
    for (const name of await allCommands()) {
      if (apart.has(name)) continue;
      const given = [...name.split(' '), ...(words[name] ?? [])];
      const json = await printed(withJson(given));
      const hasJson = !json.includes('There is no flag --json');
      const texts = isWholeSweep || !hasJson ? [await printed(given), json] : [json];
      for (const text of texts) {
        assertHidden(text, `candor ${given.join(' ')}`);
        assert.doesNotMatch(text, /^The <\S+> is missing/m, `\`words\` need those of candor ${name}`);
        asked.push(text);
      }
    }
    assert.match(asked.join('\n'), /no login with \*\*\*/, 'commands show what was printed beside it');
  });

  test('no answer of the admin API', async () => {
    const { items = [] } = JSON.parse((await ask('GET', '/v1/exchanges')).text) as { items?: { id: string }[] };
    const ids: Readonly<Record<string, string>> = { readIncident: '1', readKeptConfiguration: '1' };
    for (const { id, method, path } of operations) {
      if (method !== 'GET') continue;
      const of = ids[id] ?? items[0]?.id ?? '0197f3a0-5b1c-7000-8000-2f6a1c9d4e10';
      const { status, text } = await ask('GET', `${path.replace(/\{\w+\}/, of)}${queries[id] ?? ''}`);
      assertHidden(text, id);
      assert.ok(status !== 400 && status !== 422, `${id} needs a query in \`queries\`: ${text}`);
    }
  });

  test('no event, no file of the gateway, and no command line of a process', () => {
    assertHidden(JSON.stringify(edge.events), 'an event');
    const entries = readdirSync(realpathSync(edge.folder), { withFileTypes: true, recursive: true });
    for (const entry of entries.filter((one) => one.isFile() && one.name !== 'more.env')) {
      const path = join(entry.parentPath, entry.name);
      for (const encoding of ['utf8', 'latin1'] as const) assertHidden(readFileSync(path, encoding), path);
    }
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        assertHidden(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), `the command line of ${pid}`);
      } catch (error) {
        if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
  });
});

/** By the help of the program, and of its groups: 'status', 'secret set'. */
async function allCommands(): Promise<readonly string[]> {
  const text = await printed(['--help']);
  return [...text.matchAll(/^ {2}candor ([a-z][\w-]*)(?: ([a-z|-]+) \.\.\.)?/gm)].flatMap(([, name = '', subs]) =>
    subs === undefined ? [name] : subs.split('|').map((sub) => `${name} ${sub}`),
  );
}

function withJson(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('--');
  return at < 0 ? [...argv, '--json'] : argv.toSpliced(at, 0, '--json');
}

/** What a command prints until it has ended. */
async function printed(argv: readonly string[]): Promise<string> {
  const one = new Context(edge.folder);
  const late = AbortSignal.timeout(30_000);
  const isLate = once(late, 'abort').then(() => assert.fail(`candor ${argv.join(' ')} does not end by itself`));
  await Promise.race([one.candor(...argv), isLate]);
  return one.stdout.text + one.stderr.text;
}

/** Of a stream: its beginning. */
function ask(method: string, path: string, body: object | null = null): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { 'Content-Type': 'application/json' };
    const sent = request({ socketPath: socketPath(), method, path, headers, agent: false }, (response) => {
      let text = '';
      const done = (): void => resolve({ status: response.statusCode ?? 0, text });
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
          done();
          response.destroy();
        }
      });
      response.on('end', done).on('error', done);
    });
    sent.on('error', reject).end(body === null ? undefined : JSON.stringify(body));
  });
}
