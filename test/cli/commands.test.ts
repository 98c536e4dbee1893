import assert from 'node:assert/strict';
import { stripVTControlCharacters } from 'node:util';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { queryKeys } from '../../src/core/exchange-query.ts';
import { snakeCased } from '#failures/json-case.ts';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { parseBlock } from '../../src/cli/admin-client.ts';
import { exitCodeOf } from '../../src/cli/command-line.ts';
import { exitCodes, CommandFailure } from '../../src/cli/command-failure.ts';
import { listenFailureText, portOf, findListenProblem, offerNextPort, withPort } from '../../src/cli/next-port.ts';
import { findPortHolder } from '../../src/deploy/port-holder.ts';
import { StopSignals } from '../../src/cli/stop-signals.ts';
import type { Configuration } from '../../src/core/configuration.ts';
import { systemClock } from '../../src/system/system.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { failedRecord, statusSample } from '../fakes/samples.ts';
import { assertFits } from './golden.ts';

let folder: string;
let gateway: FakeGateway;
let admins: AdminServer[];
let servers: Server[];
let context: FakeProcessContext;
let sockets: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-cli-'));
  sockets = join(folder, `candor-${userInfo().uid}`);
  mkdirSync(sockets);
  gateway = new FakeGateway();
  admins = [];
  servers = [];
  context = new FakeProcessContext(folder);
});

afterEach(async () => {
  context.signal('SIGINT');
  await Promise.all([...admins.map((admin) => admin.close()), ...servers.map(closeServer)]);
  rmSync(folder, { recursive: true, force: true });
});

async function open(socketPath = join(sockets, 'one.sock')): Promise<string> {
  admins.push(await startAdminServer({ gateway, spec: socketAlone(socketPath), clock: systemClock }));
  return socketPath;
}

/** A server that is closed after the test, also if the test fails. */
async function listen(options: ListenOptions, onConnection?: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  servers.push(server);
  await once(server.listen(options), 'listening');
  return server;
}

async function closeServer(server: Server): Promise<void> {
  if (server.listening) await once(server.close(), 'close');
}

/** Waits for a condition, for half a minute at most: a test that waited for ever would keep this file from ending. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, 'the condition does not hold after 30 s');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('status', () => {
  test('finds the only running gateway, and prints what serves', async () => {
    await open();
    assert.equal(await context.candor('status'), 0);
    assert.match(context.stdout.text, /^shop degraded, up 1 h 2 min/);
    assert.equal(context.stderr.text, '');
  });

  test('with --json prints the status of the API', async () => {
    const socket = await open();
    assert.equal(await context.candor('status', '--json', '--socket', socket), 0);
    const admin = { socket, url: null, certificate: null };
    assert.deepEqual(JSON.parse(context.stdout.text), snakeCased({ ...statusSample, admin }));
  });

  test('finds the socket that a configuration names', async () => {
    const socket = await open(join(folder, 'named.sock'));
    writeFileSync(join(folder, 'candor.yaml'), `upstreams: { api: "127.0.0.1:3000" }\nadmin: { socket: ${socket} }\n`);
    gateway.statusNow = { ...statusSample, source: join(folder, 'candor.yaml') };
    assert.equal(await context.candor('status', '-c', 'candor.yaml'), 0);
    assert.equal(await context.candor('status'), 0);
  });

  test('finds the socket of a configuration that the gateway placed by its own environment', async () => {
    const otherwise = new FakeProcessContext(folder, { env: { XDG_RUNTIME_DIR: join(folder, 'mine') } });
    await open(join(folder, 'candor.sock'));
    writeFileSync(join(folder, 'there.yaml'), 'upstreams: { api: "127.0.0.1:3000" }\n');
    gateway.statusNow = { ...statusSample, source: join(folder, 'there.yaml') };
    assert.equal(await otherwise.candor('status', '-c', 'there.yaml'), 0);
  });

  test('without a gateway ends with 8 and says what to do', async () => {
    assert.equal(await context.candor('status'), 8);
    assert.match(context.stderr.text, /No running gateway was found[^]*`candor up -c candor\.yaml`/);
    assert.equal(context.stdout.text, '');
  });

  test('skips the socket of a dead process', async () => {
    await open();
    // A second name for the socket: this file remains after its process has closed the first one.
    const dead = new FakeGateway();
    const admin = await startAdminServer({
      gateway: dead,
      spec: socketAlone(join(folder, 'dead.sock')),
      clock: systemClock,
    });
    admins.push(admin);
    linkSync(join(folder, 'dead.sock'), join(sockets, 'dead.sock'));
    await admin.close();
    assert.equal(await context.candor('status'), 0);
  });

  test('with several gateways asks the user to name one', async () => {
    await open();
    await open(join(sockets, 'two.sock'));
    assert.equal(await context.candor('status'), 2);
    const each = (name: string): string =>
      `  --socket ${join(sockets, name)}\n      127.0.0.1:8080, runs /srv/shop/candor.yaml, process 4711\n`;
    assert.equal(
      context.stderr.text,
      `Several gateways run here. Name one of them:\n${each('one.sock')}${each('two.sock')}`,
    );
  });

  test('with a missing socket ends with 8', async () => {
    assert.equal(await context.candor('status', '--socket', 'nothing.sock'), 8);
    assert.match(context.stderr.text, /No gateway answers at .*nothing\.sock \(ENOENT\)/);
  });

  test('at a socket of another program ends with 8', async () => {
    const path = join(folder, 'other.sock');
    await listen({ path }, (socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-other\r\n'),
    );
    assert.equal(await context.candor('status', '--socket', path), 8);
    assert.match(context.stderr.text, /is not a gateway/);
  });
});

describe('reload', () => {
  test('prints what changed', async () => {
    await open();
    assert.equal(await context.candor('reload'), 0);
    assert.equal(context.stdout.text, 'Revision 2 is active. Changed: routes (/api, /), log.\n');
  });

  test('of an invalid file ends with 4 and every error', async () => {
    await open();
    gateway.reloadAnswer = {
      ok: false,
      kind: 'invalid',
      errors: ['candor.yaml:3:1: unknown key "rout"', 'candor.yaml:9:3: "x" is not a port'],
    };
    assert.equal(await context.candor('reload'), 4);
    assert.match(context.stderr.text, /continues with the active one\.\n {2}candor\.yaml:3:1.*\n {2}candor\.yaml:9:3/);
  });

  for (const [kind, exit] of [
    ['refused', 10],
    ['failed', 1],
  ] as const) {
    test(`that was ${kind} ends with ${exit}, without blaming the configuration`, async () => {
      await open();
      gateway.reloadAnswer = { ok: false, kind, errors: ['This gateway is stopping.'] };
      assert.equal(await context.candor('reload'), exit);
      assert.equal(context.stderr.text, 'This gateway is stopping.\n');
    });
  }
});

describe('explain', () => {
  test('says of a prefix of several ids that are stored how many begin so, and lists them', async () => {
    await open();
    const ids = ['0197f3a0-1111-7000-8000-000000000001', '0197f3a0-2222-7000-8000-000000000002'];
    const exchanges = ids.map((id) => ({ seq: 1, record: { ...failedRecord, id }, standsFor: 1 }));
    gateway.searched = { kind: 'page', exchanges, cursor: null, end: '0-0', timedOut: false };
    assert.equal(await context.candor('explain', '0197f3a0'), exitCodes.ambiguous);
    assert.deepEqual(
      gateway.searches.map(({ query }) => query),
      ['id:"0197f3a0"'],
    );
    assert.match(context.stderr.text, /^2 exchanges have an id that begins with 0197f3a0\.\nWrite more of the id /);
    for (const id of ids) assert.ok(context.stderr.text.includes(`  ${id}  `), context.stderr.text);
    assertFits(context.stderr.text);
  });

  test('asks the gateway', async () => {
    await open();
    gateway.records.set(failedRecord.id, failedRecord);
    assert.equal(await context.candor('explain', failedRecord.id), 0);
    assert.match(context.stdout.text, /VERDICT {2}too slow/);
    assertFits(context.stdout.text);
  });

  test('searches the log of the configuration if no gateway answers', async () => {
    writeFileSync(join(folder, 'candor.yaml'), 'upstreams: { api: "127.0.0.1:3000" }\n');
    writeFileSync(join(folder, 'candor.log'), `${JSON.stringify(failedRecord)}\n`);
    assert.equal(await context.candor('explain', failedRecord.id, '--json'), 0);
    const { record, verdict } = JSON.parse(context.stdout.text);
    assert.deepEqual(record, failedRecord);
    assert.equal(verdict.sentence, failedRecord.detail);
    assert.ok(verdict.usual_causes.length > 0);
  });

  test('searches the log that --log names, and says where it found nothing', async () => {
    writeFileSync(join(folder, 'old.log'), `${JSON.stringify(failedRecord)}\n`);
    assert.equal(await context.candor('explain', failedRecord.id, '--log', 'old.log'), 0);
    assert.equal(await context.candor('explain', 'another', '--log', 'old.log'), 9);
    assert.match(context.stderr.text, /No exchange with the id another was found[^]*old\.log: from/);
    assert.equal(await context.candor('explain', 'another', '--log', 'no.log'), 9);
  });

  test('without gateway and without log ends with 8', async () => {
    assert.equal(await context.candor('explain', 'another'), 8);
    assertFits(context.stderr.text);
  });

  test('of an unknown id prints within 80 columns, whatever the names of folders', async () => {
    await open();
    const log = join('a-folder-with-a-long-name', 'and-one-more-within-it', 'exchanges-of-the-gateway.log');
    mkdirSync(dirname(join(folder, log)), { recursive: true });
    writeFileSync(join(folder, log), `${JSON.stringify(failedRecord)}\n`);
    for (const where of [[], ['--log', log]]) {
      assert.equal(await context.candor('explain', '0197f3a0-5b1c-7000-8000-2f6a1c9d4e11', ...where), 9);
      assertWraps(context.stderr.text);
    }
  });
});

/** As `assertFits`, but a path may be longer than a line. */
function assertWraps(text: string): void {
  assertFits(text.replaceAll(/(^ *|(?<= ))\/\S+/gm, (path) => path.slice(0, 40)));
}

describe('events', () => {
  test('are wrapped between words on a terminal, and are one line each elsewhere', async () => {
    await open();
    gateway.emit({
      kind: 'listener_opened',
      subject: 'listener:http',
      reason:
        'It was opened, and this sentence is so long that a terminal of eighty columns would break one of its words.',
      evidence: { listener: 'http', address: ':1' },
    });
    const terminal = new FakeProcessContext(folder, { terminal: true, env: context.env as Record<string, string> });
    assert.equal(await terminal.candor('events'), 0);
    assertFits(terminal.stdout.text);
    assert.match(terminal.stdout.text, /\n {9}\w/);
    assert.equal(await context.candor('events'), 0);
    assert.match(context.stdout.text, /^\d\d:\d\d:\d\d [^\n]* one of its words\.\n$/);
  });

  test('--full prints what an instance wrote last under its exit, and without it one line', async () => {
    await open();
    const output = ['Error: no database', '    at start (app.js:7)', `    ${'long '.repeat(30)}end`];
    gateway.emit({
      kind: 'instance_exited',
      subject: 'instance:web/1',
      reason: 'web/1 exited with code 1.',
      evidence: { pid: 7, code: 1, signal: null, outOfMemory: false, afterMs: 40, output },
    });
    assert.equal(await context.candor('events', '--full'), 0);
    const [line = '', ...under] = context.stdout.text.trimEnd().split('\n');
    assert.match(line, /web\/1 exited with code 1\.$/);
    assert.deepEqual(
      under,
      output.map((written) => `         | ${written}`),
    );
    const short = new FakeProcessContext(folder, { env: context.env as Record<string, string> });
    assert.equal(await short.candor('events'), 0);
    assert.equal(short.stdout.text.split('\n').length, 2);
    const terminal = new FakeProcessContext(folder, { terminal: true, env: context.env as Record<string, string> });
    assert.equal(await terminal.candor('events', '--full'), 0);
    assertFits(terminal.stdout.text);
    assert.match(stripVTControlCharacters(terminal.stdout.text), /\n {9}\| {5}at start \(app\.js:7\)\n[^]* end\n$/);
  });

  test('without --follow prints the events that the gateway holds, and ends', async () => {
    await open();
    gateway.emit({
      kind: 'listener_opened',
      subject: 'listener:http',
      reason: 'Opened.',
      evidence: { listener: 'http', address: ':1' },
    });
    assert.equal(await context.candor('events', '--json'), 0);
    assert.equal(JSON.parse(context.stdout.text).kind, 'listener_opened');
  });

  const opened = (listener: string): void =>
    gateway.emit({
      kind: 'listener_opened',
      subject: `listener:${listener}`,
      reason: 'Opened.',
      evidence: { listener, address: ':1' },
    });

  test('with --since and --until prints those of that time, the oldest first, by pages, under the date', async () => {
    await open();
    for (const name of ['one', 'two', 'three']) opened(name);
    const [first, , third] = gateway.events.since(0).events;
    const times = [first?.at ?? 0, (third?.at ?? 0) - 1].map((at) => new Date(at).toISOString());
    assert.equal(await context.candor('events', '--since', times[0] ?? '', '--until', times[1] ?? ''), 0);
    assert.match(context.stdout.text, /^2026-01-01\n[^\n]*listener:one[^\n]*\n[^\n]*listener:two[^\n]*\n$/);
    for (let n = 0; n < 1100; n += 1) opened(`n${n}`);
    gateway.events.held = 2000;
    const more = new FakeProcessContext(folder, { env: context.env as Record<string, string> });
    assert.equal(await more.candor('events', '--json', '--since', '2026-01-01T00:00Z'), 0);
    const subjects = more.stdout.text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { subject: string }).subject);
    assert.deepEqual([subjects.length, subjects.at(-1)], [gateway.events.since(0).events.length, 'listener:n1099']);
  });

  test('with --since and --follow prints new ones once, after those of that time', async () => {
    await open();
    opened('old');
    const done = context.candor('events', '-f', '--since', '2026-01-01T00:00Z');
    await until(() => gateway.events.listeners.size > 0);
    opened('new');
    await until(() => context.stdout.text.includes('new'));
    context.signal('SIGINT');
    assert.equal(await done, 0);
    assert.deepEqual(context.stdout.text.match(/listener:\w+/g), ['listener:old', 'listener:new']);
  });

  for (const [args, message] of [
    [['--since', 'yesterday'], /since is a time ago \(10m, 2h, 3d\), .* not yesterday\./],
    [['--until', '1h', '--follow'], /--until ends the list, and --follow goes on: give one of them\./],
  ] as const)
    test(`${args.join(' ')} is refused with what is wrong`, async () => {
      await open();
      assert.equal(await context.candor('events', ...args), 2);
      assert.match(context.stderr.text.replaceAll(/\s+/g, ' '), message);
    });

  test('with --follow prints events until SIGINT', async () => {
    await open();
    const done = context.candor('events', '-f');
    await until(() => gateway.events.listeners.size > 0);
    gateway.emit({
      kind: 'listener_opened',
      subject: 'listener:http',
      reason: 'Opened.',
      evidence: { listener: 'http', address: ':1' },
    });
    await until(() => context.stdout.text.includes('Opened'));
    context.signal('SIGINT');
    assert.equal(await done, 0);
  });

  test('an event with Unicode line separators in its text is one event', () => {
    const at = '2026-11-21T10:00:00.000Z';
    const event = { at, kind: 'instance_exited', evidence: {}, reason: 'a\u2028event: gap\u2029b\u0085' };
    assert.deepEqual(parseBlock(`event: instance_exited\ndata: ${JSON.stringify(event)}`), {
      kind: 'event',
      event: { ...event, at: Date.parse(at) },
    });
  });

  test('a comment of the stream is ignored', () => assert.equal(parseBlock(': still here'), null));
  test('a gap is returned with its size', () => {
    assert.deepEqual(parseBlock('event: gap\ndata: {"reason":"not_held","missed":3,"epoch":"e"}'), {
      kind: 'gap',
      reason: 'not_held',
      missed: 3,
    });
  });
});

describe('the command line', () => {
  const misuses: [argv: string[], says: RegExp][] = [
    [['statsu'], /There is no command "statsu"; did you mean `status`\?/],
    [['frobnicate'], /`candor --help` lists/],
    [['status', '--jsn'], /did you mean --json/],
    [['run', '--port', '99999', '--', 'x'], /"99999" is not valid for "port": a port is a number/],
    [['run', '--readiness-path', 'healthz', '--', 'x'], /a path begins with "\/"/],
    [['run'], /command/],
    [['explain'], /request-id/],
  ];
  for (const [argv, says] of misuses) {
    test(`candor ${argv.join(' ')} ends with 2 and a sentence`, async () => {
      assert.equal(await context.candor(...argv), exitCodes.usage);
      assert.match(context.stderr.text, says);
      assert.doesNotMatch(context.stderr.text, /^\s+at /m);
    });
  }

  const commands =
    'run up check adapt schema configuration status reload restart app deploy releases rollback promote secret jobs maintenance pause drain eject weight restore stop upgrade explain whose probe dashboard top cost incidents incident alert route logs events token password key sign trust demo torture version'.split(
      ' ',
    );

  test('candor --help lists all commands', async () => {
    assert.equal(await context.candor('--help'), 0);
    const listed = [...(context.stdout.text.split('COMMANDS\n')[1] ?? '').matchAll(/^ {2}(\w+)/gm)];
    assert.deepEqual(
      listed.map(([, name]) => name),
      commands,
    );
  });

  for (const command of commands) {
    test(`candor ${command} --help has an example and fits 80 columns`, async () => {
      assert.equal(await context.candor(command, '--help'), 0);
      assert.match(context.stdout.text, new RegExp(`EXAMPLE\\n {2}candor ${command}`));
      assertFits(context.stdout.text);
    });

    test(`candor ${command} --help shows the value of each flag`, async () => {
      await context.candor(command, '--help');
      for (const [row] of context.stdout.text.matchAll(/^.* \[--[a-z-]+\] .*$/gm))
        assert.match(row, /\] +<[a-z:]+> |\[default = false\]$/);
    });
  }

  test('candor logs --help names every key of a query', async () => {
    await context.candor('logs', '--help');
    const { text } = context.stdout;
    assert.deepEqual(
      queryKeys.filter((key) => !text.includes(`${key}:`)),
      [],
    );
  });

  test('candor torture shows its argument, the URL of the gateway', async () => {
    for (const argv of [['--help'], ['torture', '--help']]) {
      assert.equal(await context.candor(...argv), 0);
      assert.match(context.stdout.text, /^USAGE\n[^A-Z]* {2}candor torture <gateway-url>$/m);
    }
  });

  test('candor without arguments prints its help', async () => {
    assert.equal(await context.candor(), 0);
    assertFits(context.stdout.text);
  });

  test('a defect is reported in a sentence with what to do, and without a stack', async () => {
    await open();
    gateway.statusNow = { ...statusSample, problems: null as never };
    assert.equal(await context.candor('status'), 1);
    assert.match(context.stderr.text, /^Candor made a mistake: .*\nThis is a defect\. Please report it/);
    assert.doesNotMatch(context.stderr.text, /^\s+at /m);
  });

  test('version --json prints an object', async () => {
    assert.equal(await context.candor('version', '--json'), 0);
    assert.equal(JSON.parse(context.stdout.text).candor, JSON.parse(readFileSync('package.json', 'utf8')).version);
  });

  test('schema prints JSON', async () => {
    assert.equal(await context.candor('schema'), 0);
    assert.ok('$schema' in JSON.parse(context.stdout.text));
  });

  const mapped: [parser: number, ours: number][] = [
    [-5, 2],
    [-4, 2],
    [-3, 1],
    [-2, 1],
    [-1, 1],
    [-10, 1],
    [0, 0],
    [4, 4],
    [8, 8],
  ];
  for (const [parser, ours] of mapped)
    test(`the parser's exit code ${parser} becomes ${ours}`, () => assert.equal(exitCodeOf(parser), ours));

  test('every meaning has its own exit code', () => {
    const codes = Object.values(exitCodes);
    assert.equal(new Set(codes).size, codes.length);
  });
});

describe('a port that is taken', () => {
  test('is reported with the process that holds it', async () => {
    const server = await listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.address() as { port: number };
    const holder = findPortHolder(port);
    assert.equal(holder?.pid, process.pid);
    assert.match(
      listenFailureText({ listener: 'http', address: `127.0.0.1:${port}`, errno: 'EADDRINUSE' }),
      new RegExp(`is taken: .* \\(pid ${process.pid}\\) listens there`),
    );
    const configuration = {
      listeners: [{ id: 'http', host: '127.0.0.1', port, proxyProtocol: false, http2: false, tls: null }],
    } as unknown as Configuration;
    const failure = { listener: 'http', address: `127.0.0.1:${port}`, errno: 'EADDRINUSE' };

    assert.deepEqual(await findListenProblem(configuration), failure);
    const alone = await offerNextPort(context)(configuration, failure);
    assert.ok(alone !== null && alone.listeners[0]!.port > port);
    assert.match(context.stderr.text, /Taking port \d+ instead/);

    context.reply = '';
    assert.ok(((await offerNextPort(context)(configuration, failure))?.listeners[0]?.port ?? 0) > port);
    assert.match(context.questions.at(-1) ?? '', /Use port \d+ instead\? \[Y\/n\]/);
    context.reply = 'n';
    await assert.rejects(offerNextPort(context)(configuration, failure), CommandFailure);
    await closeServer(server);
    assert.equal(findPortHolder(port), null);
    assert.equal(await findListenProblem(configuration), null);
  });

  test('by a process that this user may not see is reported with a command that finds it', () => {
    assert.match(
      listenFailureText({ listener: 'http', address: ':80', errno: 'EADDRINUSE' }, () => null),
      /ss -ltnp/,
    );
  });

  test('below 1024 is reported with the missing capability', () => {
    assert.match(
      listenFailureText({ listener: 'http', address: '0.0.0.0:80', errno: 'EACCES' }),
      /CAP_NET_BIND_SERVICE/,
    );
    assert.doesNotMatch(
      listenFailureText({ listener: 'http', address: '0.0.0.0:8080', errno: 'EACCES' }),
      /CAP_NET_BIND_SERVICE/,
    );
  });

  test('is replaced in every listener with that port, and in no other', () => {
    const listeners = [{ port: 8080 }, { port: 8080 }, { port: 9090 }];
    assert.deepEqual(
      withPort({ listeners } as never, 8080, 8081).listeners.map(({ port }) => port),
      [8081, 8081, 9090],
    );
  });

  const ports: [address: string, port: number | null][] = [
    ['127.0.0.1:80', 80],
    ['[::1]:8080', 8080],
    ['unix:/x', null],
  ];
  for (const [address, port] of ports)
    test(`${address} has the port ${port}`, () => assert.equal(portOf(address), port));
});

describe('the documentation', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');

  test('has every command', async () => {
    await context.candor('--help');
    for (const [, command] of context.stdout.text.matchAll(/^ {2}candor (\w+)/gm))
      assert.match(text, new RegExp(`^## candor ${command}$`, 'm'));
  });

  test('has every exit code', () => {
    const table = text.slice(text.indexOf('## Exit codes'));
    for (const code of Object.values(exitCodes))
      assert.match(table, new RegExp(`^\\| (\\d+, )?${code}(, \\d+)? \\|`, 'm'));
  });
});

describe('signals', () => {
  test('the first signal drains, the second force closes, the third ends the process at once', async () => {
    const stop = new StopSignals(context);
    context.signal('SIGTERM');
    assert.equal(await stop.first, 'SIGTERM');
    assert.equal(stop.exitCode, 0);
    const hurried: string[] = [];
    stop.onSecond = (what) => void hurried.push(what);
    context.signal('SIGINT');
    assert.deepEqual([hurried, stop.exitCode, context.exits], [['a second signal, SIGINT'], 130, []]);
    context.signal('SIGTERM');
    assert.deepEqual(context.exits, [143]);
    stop.release();
    context.signal('SIGTERM');
    assert.deepEqual(context.exits, [143]);
  });

  test('before the gateway runs, the second signal ends the process', () => {
    const stop = new StopSignals(context);
    context.signal('SIGINT');
    context.signal('SIGINT');
    assert.deepEqual(context.exits, [130]);
    stop.release();
  });
});
