import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import type { KeptConfiguration } from '../../src/core/kept-configuration.ts';
import { systemClock } from '../../src/system/system.ts';
import { parseConfiguration } from '../../src/config/parse.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { configurationForCommand } from '../../src/config/command.ts';
import { effectiveConfiguration } from '../../src/control/effective-configuration.ts';
import { thisHost } from '../../src/config/host.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { assertFits } from './golden.ts';

// `candor configuration` and `candor route` against a gateway whose configurations are set by hand.

const text = `upstreams: { shop: "127.0.0.1:3000", writer: "127.0.0.1:3001" }
routes:
  - { id: admin, host: admin.example.org, to: shop }
  - { id: writes, path: /api, methods: POST, to: writer, retry: { attempts: 3, statuses: [503] } }
  - { id: beta, path: /api, headers: { x-beta: "1" }, to: writer }
  - { id: shop, path: /api, to: shop, timeouts: { response_head: 5s } }
`;

const kept: readonly KeptConfiguration[] = [
  entry(3, 'refused', {
    errors: Array.from({ length: 5 }, (_, at) => `candor.yaml:${at + 1}:3: ${'wrong '.repeat(30)}`),
  }),
  entry(2, 'applied', {
    text: text.replace('5s', '9s'),
    changed: ['routes: shop'],
    warnings: ['candor.yaml:1:1: odd'],
  }),
  entry(1, 'applied', { text, times: 4, changed: ['everything'] }),
];

function entry(id: number, outcome: 'applied' | 'refused', own: Partial<KeptConfiguration>): KeptConfiguration {
  return {
    ...{ id, outcome, at: Date.UTC(2026, 0, 1), actor: 'signal:SIGHUP', times: 1, lastAt: Date.UTC(2026, 0, 2) },
    ...{ lastActor: 'gateway', revision: outcome === 'applied' ? id : null, epoch: 'run-1', source: '/candor.yaml' },
    ...{ contentHash: `hash-${id}`, text: 'x: \u001b[31m\n', warnings: [], changed: [], errors: [] },
    ...{ unshown: [] },
    ...own,
  };
}

let folder: string;
const gateway = new FakeGateway();
let admin: AdminServer;
let context: FakeProcessContext;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-configurations-'));
  const sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  admin = await startAdminServer({ gateway, spec: socketAlone(join(sockets, 'one.sock')), clock: systemClock });
  writeFileSync(join(folder, 'next.yaml'), text);
  writeFileSync(join(folder, 'bad.yaml'), 'routes: 7\n');
  const loading = await loadConfiguration(join(folder, 'next.yaml'), {}, thisHost());
  assert.ok(loading.ok);
  gateway.routed = loading.configuration;
});
beforeEach(() => {
  context = new FakeProcessContext(folder);
  gateway.configurations = { current: kept[1] as KeptConfiguration, list: kept };
  gateway.questions.length = 0;
});
after(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('candor configuration', () => {
  test('list shows what was applied, when and by whom, and why one was refused', async () => {
    assert.equal(await context.candor('configuration', 'list'), 0);
    assertFits(context.stdout.text);
    assert.match(
      context.stdout.text,
      /✖ 3 +refused, 2026-01-01 00:00:00Z by signal:SIGHUP[^]*candor\.yaml:1:3: wrong[^]*and 2 more[^]*✔ 2 +active, revision 2[^]*routes: shop[^]*warning: [^]*· 1 +earlier, [^]*4 times, the\s+last 2026-01-02/,
    );
  });

  test('list --json prints what the admin API answers', async () => {
    assert.equal(await context.candor('configuration', 'list', '--json'), 0);
    const { configurations } = JSON.parse(context.stdout.text) as { configurations: { id: number; state: string }[] };
    assert.deepEqual(
      configurations.map(({ id, state }) => `${id} ${state}`),
      ['3 refused', '2 active', '1 earlier'],
    );
  });

  test('show prints the text alone on standard output, fit to be saved', async () => {
    assert.equal(await context.candor('configuration', 'show', '1'), 0);
    assert.equal(context.stdout.text, text);
    assert.match(context.stderr.text, /· 1 +earlier/);
  });

  test('show prints the active one, and no control characters', async () => {
    gateway.configurations = { current: kept[0] as KeptConfiguration, list: kept };
    assert.equal(await context.candor('configuration', 'show'), 0);
    assert.equal(context.stdout.text, 'x: \n');
    assert.match(context.stderr.text, /candor\.yaml:5:3: wrong/);
  });

  for (const [argv, code] of [
    [['diff', '1', '2'], 1],
    [['diff', '1'], 1],
    [['diff', '2'], 0],
    [['diff', '1', '9'], exitCodes.not_found],
    [['show', '9'], exitCodes.not_found],
    [['show', 'x'], exitCodes.usage],
  ] as const)
    test(`${argv.join(' ')} exits with ${code}`, async () => {
      assert.equal(await context.candor('configuration', ...argv), code, context.stderr.text);
    });

  test('show --effective prints a file with all defaults that reads as the same configuration', async () => {
    gateway.configurations = { current: kept[2] as KeptConfiguration, list: kept };
    assert.equal(await context.candor('configuration', 'show', '--effective'), 0, context.stderr.text);
    assert.match(context.stdout.text, /response_head: 5s[^]*\n {4}priority: normal\n/);
    writeFileSync(join(folder, 'effective.yaml'), context.stdout.text);
    const loading = await loadConfiguration(join(folder, 'effective.yaml'), {}, thisHost());
    assert.ok(loading.ok, context.stdout.text);
    assert.deepEqual(loading.configuration, gateway.routed);
  });

  test('show --effective names the values that are hidden, in the file too, and hides no others', async () => {
    const parsing = parseConfiguration(
      'upstreams: { shop: "http://me:hunter2@127.0.0.1:3000" }\nroutes: [{ to: shop, path: /a, request_headers: { set: { Authorization: Basic x, X-Origin: y } } }, { to: shop, timeouts: { response_head: 5s } }]\n',
      { file: 'candor.yaml', directory: folder, environment: {}, hostname: 'gateway', readings: new Map() },
    );
    const current = entry(1, 'applied', { text: parsing.shownText().text });
    gateway.configurations = { current, list: [current] };
    assert.equal(await context.candor('configuration', 'show', '--effective'), 0, context.stderr.text);
    assert.match(
      context.stdout.text,
      /^# This is no whole configuration: 3 values stand here as \*\*\*\. Put them back before it is used; they are in \/candor\.yaml:\n#   upstreams\.shop\n#   routes\[0\]\.request_headers\.set\.Authorization\n#   routes\[0\]\.request_headers\.set\.X-Origin\n/,
    );
    assert.match(context.stdout.text, /to: shop[^]*to: shop/);
    assert.match(context.stdout.text, /response_head: 5s/);
    assert.match(context.stderr.text, /no whole configuration/);
  });

  test('show --effective of a file for which no gateway runs prints what one would run', async () => {
    const path = join(folder, 'alone.yaml');
    writeFileSync(
      path,
      'upstreams: { a: "127.0.0.1:3000" }\nadmin: { socket: ./nobody.sock }\nsecurity_headers: strict\n',
    );
    assert.equal(await context.candor('configuration', 'show', '--effective', '-c', path), 0, context.stderr.text);
    assert.match(context.stdout.text, /^ {2}X-Frame-Options: DENY$/m);
    assert.match(context.stderr.text, /^No gateway runs with \S+alone\.yaml: this is what one would run\.\n$/);
    writeFileSync(path, 'upstreams: { a: "127.0.0.1:3000" }\nadmin: { socket: ./nobody.sock }\nwrong: 1\n');
    assert.equal(
      await context.candor('configuration', 'show', '--effective', '-c', path),
      exitCodes.validation_failed,
      context.stderr.text,
    );
  });

  test('show --effective of `candor run`, which has no file, prints the file that stands for it', async () => {
    const current = entry(1, 'applied', { text: null, source: null });
    gateway.configurations = { current, list: [current] };
    const parsed = configurationForCommand({
      ...{ command: ['node', 'a.js', '--x=1 2'], port: 8080, directory: folder, hostname: 'gateway', environment: {} },
      readinessPath: '/ready',
    });
    gateway.effective = effectiveConfiguration(parsed);
    assert.equal(await context.candor('configuration', 'show', '--effective'), 0, context.stderr.text);
    writeFileSync(join(folder, 'effective.yaml'), context.stdout.text);
    const loading = await loadConfiguration(join(folder, 'effective.yaml'), {}, thisHost());
    assert.ok(loading.ok, context.stdout.text);
    const { listeners, routes, upstreams, stateFolder, log } = loading.configuration;
    assert.deepEqual(
      [listeners, routes, upstreams, stateFolder, log],
      [parsed.listeners, parsed.routes, parsed.upstreams, parsed.stateFolder, parsed.log],
    );
    const [{ fromCommand: _, ...application } = {}] = parsed.applications as readonly { fromCommand?: true }[];
    assert.deepEqual(loading.configuration.applications, [application]);
  });

  test('show --effective of a text that this version cannot read prints it as it is, and says why', async () => {
    const current = entry(1, 'applied', { text: 'routes: 7\n' });
    gateway.configurations = { current, list: [current] };
    assert.equal(await context.candor('configuration', 'show', '--effective'), 0);
    assert.equal(context.stdout.text, 'routes: 7\n');
    assert.match(context.stderr.text, /Without its defaults: this version of candor cannot read it: /);
  });

  test('reload prints what the gateway warns of in the configuration that it made active', async () => {
    assert.equal(await context.candor('reload'), 0, context.stderr.text);
    assert.match(context.stderr.text, /^warning: candor\.yaml:1:1: odd$/m);
    // Of another revision.
    gateway.configurations = { current: { ...(kept[1] as KeptConfiguration), revision: 3 }, list: kept };
    const again = new FakeProcessContext(folder);
    assert.equal(await again.candor('reload'), 0);
    assert.equal(again.stderr.text, '');
  });

  test('diff shows what changed, and says where only what is hidden has', async () => {
    await context.candor('configuration', 'diff', '1', '2');
    assert.match(context.stdout.text, /^--- configuration 1\n\+\+\+ configuration 2\n@@ -3 \+3 @@\n/);
    assert.match(context.stdout.text, /\n-.*5s.*\n\+.*9s.*\n$/);
    const [refused, active] = kept as [KeptConfiguration, KeptConfiguration, KeptConfiguration];
    gateway.configurations = { current: active, list: [{ ...active, id: 7, contentHash: 'other' }, refused, active] };
    const again = new FakeProcessContext(folder);
    assert.equal(await again.candor('configuration', 'diff', '7'), 1);
    assertFits(again.stdout.text);
    assert.match(again.stdout.text, /texts [^]* are equal\.\nWhat was read differs: a file that they name/);
  });

  test('diff names keys whose hidden values differ, and shows no hash of them', async () => {
    const value = (key: string, version: number) => ({ key, hash: `hash-${key}-${version}`, version });
    const one = kept[1] as KeptConfiguration;
    const before = { ...one, id: 6, contentHash: 'b', unshown: [value('a.PIN', 1), value('a.USER', 1)] };
    const after = { ...one, id: 7, contentHash: 'c', unshown: [value('a.PIN', 2), value('a.USER', 1)] };
    gateway.configurations = { current: after, list: [after, before] };
    assert.equal(await context.candor('configuration', 'diff', '6', '7'), 1);
    assert.match(context.stdout.text, /are equal\.\nValues that the texts do not show differ:\n  a\.PIN\n$/);
    const json = new FakeProcessContext(folder);
    assert.equal(await json.candor('configuration', 'diff', '6', '--json'), 1);
    assert.deepEqual(JSON.parse(json.stdout.text), { from: 6, to: 7, lines: [], unshown: ['a.PIN'], note: null });
    const shown = new FakeProcessContext(folder);
    await shown.candor('configuration', 'show', '--json');
    assert.match(shown.stdout.text, /"key":\s*"a\.PIN"/);
    assert.doesNotMatch(shown.stdout.text, /hash-a/);
  });
});

describe('candor configuration restore', () => {
  const original = `applications: { web: { command: node x.js, environment: { PASSWORD: "geheim" } } }
routes: [{ to: web }]
`;
  const path = (): string => join(folder, 'live.yaml');
  const inFile = (): string => readFileSync(path(), 'utf8');
  const files = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('live.'));
  const keep = (text: string): void => writeFileSync(join(folder, 'state/configurations/1.yaml'), text);
  before(() => mkdirSync(join(folder, 'state/configurations'), { recursive: true }));
  beforeEach(() => {
    for (const name of files()) rmSync(join(folder, name));
    writeFileSync(path(), 'routes: []\n', { mode: 0o640 });
    keep(original);
    const [was, is] = [1, 2].map((id) => entry(id, 'applied', { source: path() })) as [
      KeptConfiguration,
      KeptConfiguration,
    ];
    gateway.configurations = { current: is, list: [is, was] };
    gateway.effective = { state_folder: join(folder, 'state') };
    gateway.calls.length = 0;
  });

  test('writes the earlier file, and reloads', async () => {
    assert.equal(await context.candor('configuration', 'restore', '1'), 0, context.stderr.text);
    assert.equal(inFile(), original);
    assert.equal(statSync(path()).mode & 0o777, 0o640);
    assert.equal(gateway.calls.filter((call) => call.startsWith('reload')).length, 1);
    assert.deepEqual(files(), ['live.yaml', 'live.yaml.replaced']);
    assert.equal(readFileSync(`${path()}.replaced`, 'utf8'), 'routes: []\n');
    assertFits(context.stdout.text);
  });

  test('puts the file back where the gateway refuses the other one', async () => {
    const { reloadAnswer } = gateway;
    gateway.reloadAnswer = { ok: false, kind: 'refused', errors: ['No application can be run: the folder is held.'] };
    try {
      assert.equal(await context.candor('configuration', 'restore', '1'), exitCodes.refused);
    } finally {
      gateway.reloadAnswer = reloadAnswer;
    }
    assert.deepEqual([inFile(), files()], ['routes: []\n', ['live.yaml']]);
    assert.match(context.stderr.text, /live\.yaml is as it was before/);
  });

  for (const [what, number, change, code, says] of [
    ['one that is active', '2', () => {}, exitCodes.refused, /is active already/],
    ['one that never was', '7', () => {}, exitCodes.not_found, /No configuration that is kept has the number 7/],
    [
      'one that is not kept as it was',
      '1',
      () => rmSync(join(folder, 'state/configurations/1.yaml')),
      exitCodes.refused,
      /Configuration 1 is not kept as it was/,
    ],
    [
      'one that has errors now',
      '1',
      () => keep('routes: 7\n'),
      exitCodes.validation_failed,
      /Configuration 1 has errors/,
    ],
    [
      'a gateway without state',
      '1',
      () => (gateway.effective = { state_folder: null }),
      exitCodes.refused,
      /state: none/,
    ],
  ] as const)
    test(`does nothing with ${what}`, async () => {
      change();
      assert.equal(await context.candor('configuration', 'restore', number), code, context.stderr.text);
      assert.match(context.stderr.text, says);
      assert.deepEqual([inFile(), files(), gateway.calls], ['routes: []\n', ['live.yaml'], []]);
    });

  test('follows no link that lies at the names of its files', async () => {
    writeFileSync(join(folder, 'precious'), 'precious');
    for (const end of ['replaced', 'restored']) symlinkSync(join(folder, 'precious'), `${path()}.${end}`);
    assert.equal(await context.candor('configuration', 'restore', '1'), 0, context.stderr.text);
    assert.deepEqual([readFileSync(join(folder, 'precious'), 'utf8'), inFile()], ['precious', original]);
  });

  test('reads no text of a folder that is a link', async () => {
    const [kept, aside] = [join(folder, 'state/configurations'), join(folder, 'state/aside')];
    renameSync(kept, aside);
    symlinkSync(aside, kept);
    try {
      assert.equal(await context.candor('configuration', 'restore', '1'), exitCodes.failure);
      assert.match(context.stderr.text, /is a\s+link/);
      assert.equal(inFile(), 'routes: []\n');
    } finally {
      rmSync(kept);
      renameSync(aside, kept);
    }
  });

  test('says what to do where the file is not here', async () => {
    rmSync(path());
    assert.equal(await context.candor('configuration', 'restore', '1'), exitCodes.failure);
    assert.match(context.stderr.text, /live\.yaml cannot be replaced \(ENOENT\)\. Run\s+this on the gateway's machine/);
  });
});

describe('candor route', () => {
  const said = async (...argv: string[]): Promise<string> => {
    const one = new FakeProcessContext(folder);
    assert.equal(await one.candor('route', ...argv), 0, one.stderr.text);
    if (!argv.includes('--json')) assertFits(one.stdout.text);
    return one.stdout.text;
  };

  test('shows the route, what matched, what is in effect, and why those before it do not match', async () => {
    const shown = await said('https://shop.example.org/api/orders');
    assert.match(shown, /^route shop → upstream shop\n {2}matches +any host, the path begins with \/api, any method\n/);
    assert.match(shown, /timeouts +[^]*response_head 5\.00 s/);
    assert.match(shown, /retries +attempts_max \d/);
    assert.match(shown, /limits +[^]*endpoint_connections_max \d+/);
    assert.match(shown, /ROUTES BEFORE IT\n {2}admin: the host shop\.example\.org is not admin\.example\.org\n/);
    assert.match(shown, /writes: the method GET is not POST\n {2}beta: the header x-beta is missing\n$/);
  });

  test('shows what a route answers by itself, and for which methods there is one', async () => {
    const file = join(folder, 'old.yaml');
    const redirect = '{ location: "https://example.org/new{path}", status: 301 }';
    writeFileSync(file, `routes: [{ id: old, path: /old, methods: GET, redirect: ${redirect} }]`);
    const shown = await said('https://shop.example.org/old/x', '-c', file);
    assert.match(shown, /^route old → answers by itself \(redirect\)\n/);
    assert.match(shown, /\n {2}answers +status 301, location https:\/\/example\.org\/new\/old\/x\n/);
    assert.equal(
      await context.candor('route', 'POST', 'https://shop.example.org/old/x', '-c', file),
      exitCodes.not_found,
    );
    assert.match(context.stdout.text, /a route for\s+GET\s+or\s+HEAD\./);
  });

  test('takes a method, headers, and a URL without a scheme', async () => {
    assert.match(await said('post', 'shop.example.org/api'), /^route writes [^]*statuses 503/);
    assert.match(await said('shop.example.org/api', '-H', 'X-Beta: 1', '-H', 'X-Other: 2'), /^route beta /);
    assert.deepEqual(
      [...(gateway.questions[1]?.headers ?? [])],
      [
        ['x-beta', '1'],
        ['x-other', '2'],
      ],
    );
  });

  test('answers from a file as the gateway does, without asking one', async () => {
    const request = ['POST', 'https://shop.example.org/api', '--json'];
    const asked = await said(...request);
    assert.equal(await said(...request, '-c', 'next.yaml'), asked);
    assert.equal(gateway.questions.length, 1);
  });

  for (const [argv, code, says] of [
    [['https://shop.example.org/elsewhere'], exitCodes.not_found, /^No route matches/],
    [['https://a/', '-c', 'bad.yaml'], exitCodes.validation_failed, /bad\.yaml has errors/],
    [['https://a/', '-c', 'none.yaml'], exitCodes.validation_failed, /there is no file/],
    [['/path'], exitCodes.usage, /url is http/],
    [['G T', 'http://a/'], exitCodes.usage, /method is/],
    [['http://a/', '-H', 'x'], exitCodes.usage, /header is/],
    [['GET', 'http://a/', 'more'], exitCodes.usage, /argument/],
  ] as const)
    test(`${argv.join(' ')} exits with ${code}`, async () => {
      assert.equal(await context.candor('route', ...argv), code);
      assert.match(context.stdout.text + context.stderr.text, says);
    });
});
