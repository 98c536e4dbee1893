import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationSpec, ProgramReadiness } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import { FakeProgram, supervise, web } from './fake-machine.test-support.ts';

const mail = 'web.mail' as ApplicationId;

/** A worker of the application `web`, which shows by `program` that it is ready. */
function worker(program: ProgramReadiness, changes: Partial<ApplicationSpec> = {}): ApplicationSpec {
  return {
    ...{ id: mail, of: web, command: ['python3', 'worker.py'], directory: '/srv/web', environment: {}, instances: 1 },
    port: null,
    readiness: { path: '/', intervalMs: 500, timeoutMs: 2_000, passes: 1, startMs: 60_000, program },
    stopMs: 4_000,
    restart: { firstMs: 100, maxMs: 10_000, resetAfterMs: 60_000 },
    ...changes,
  };
}

const line: ProgramReadiness = { kind: 'line', text: 'started', isPattern: false };
const staysUp: ProgramReadiness = { kind: 'after', afterMs: 1_000 };

const passed = { kind: 'program', passed: true, text: 'there is the file up' } as const;
const missing = { kind: 'program', passed: false, text: 'there is no file up' } as const;

const reasonIn = ({ supervisor }: ReturnType<typeof supervise>): string => supervisor.instances(mail)[0]?.reason ?? '';

test('a worker is given no port, and none is kept for it', async () => {
  const { supervisor, host, clock, last } = supervise([worker(staysUp)]);
  supervisor.start();
  await clock.advance(1_001);
  assert.equal(host.program(0).request.port, 0);
  assert.deepEqual([...host.ports], []);
  assert.equal(last('instance_started')?.reason, 'started as process 1000');
  void supervisor.stop();
  await clock.advance(10);
  assert.equal(host.closed, true);
});

test('a worker that shows nothing is ready once it has stayed up, and one that ends before never is', async () => {
  const one = supervise([worker(staysUp)]);
  const { supervisor, host, clock, states } = one;
  supervisor.start();
  await clock.advance(900);
  assert.deepEqual(states(mail), ['web.mail/1 starting']);
  assert.match(reasonIn(one), /starting: it is ready once it has stayed up for 1 s/);
  host.program(0).end({ code: 3 }, 'no broker');
  await clock.advance(300);
  assert.equal(one.kinds().includes('instance_ready'), false);
  await clock.advance(1_500);
  assert.deepEqual(states(mail), ['web.mail/1 healthy']);
  assert.equal(reasonIn(one), 'it has stayed up for 1 s');
  assert.equal(one.last('instance_exited')?.reason, 'exited with code 3; last line: "no broker"');
});

for (const [what, program, others, wanted] of [
  ['a text', line, ['loading', 'Started?'], 'worker started, 4 queues'],
  ['a pattern', { kind: 'line', text: '^up in [0-9]+ ms$', isPattern: true }, ['up in a while'], 'up in 12 ms'],
] as const)
  test(`a worker is ready when it prints a line with ${what}, and by no other line and no time`, async () => {
    const { supervisor, host, clock, states } = supervise([worker(program)]);
    supervisor.start();
    await clock.advance(1);
    for (const other of others) host.program(0).listener.onLine('stdout', other);
    await clock.advance(50_000);
    assert.deepEqual(states(mail), ['web.mail/1 starting']);
    host.program(0).listener.onLine('stderr', wanted);
    await clock.advance(1);
    assert.deepEqual(states(mail), ['web.mail/1 healthy']);
  });

test('the line is awaited anew by each run', async () => {
  const { supervisor, host, clock, states } = supervise([worker(line)]);
  supervisor.start();
  await clock.advance(1);
  host.program(0).listener.onLine('stdout', 'started');
  await clock.advance(5_000);
  host.program(0).end({ signal: 'SIGSEGV' });
  await clock.advance(20_000);
  assert.equal(host.programs.length, 2);
  assert.deepEqual(states(mail), ['web.mail/1 starting']);
  host.program(1).listener.onLine('stdout', 'started');
  assert.deepEqual(states(mail), ['web.mail/1 healthy']);
});

test('a worker that does not get ready in time is reported, and runs on', async () => {
  const one = supervise([worker(line)]);
  one.supervisor.start();
  await one.clock.advance(61_000);
  assert.match(
    one.last('instance_not_ready')?.reason ?? '',
    /^not ready after 60 s: it has not printed a line with "started" yet/,
  );
  assert.deepEqual(one.host.program(0).signals, []);
});

for (const [what, ready] of [
  ['a file', { kind: 'file', path: 'up' }],
  ['a command', { kind: 'command', command: ['true'] }],
] as const)
  test(`a worker whose readiness is ${what} that no longer shows it is reported and not ended, and is ready again`, async () => {
    const one = supervise([worker(ready)]);
    const { supervisor, host, clock, states, told } = one;
    supervisor.start();
    await clock.advance(3_000);
    assert.deepEqual(states(mail), ['web.mail/1 starting']);
    assert.ok((host.looks.at(-1)?.writtenWithinMs ?? 0) >= 2_000, 'what an earlier run has written does not count');
    host.shown = passed;
    await clock.advance(1_000);
    assert.deepEqual(states(mail), ['web.mail/1 healthy']);
    host.shown = missing;
    await clock.advance(5_000);
    assert.deepEqual(states(mail), ['web.mail/1 healthy'], 'one look is no failure');
    assert.equal(host.looks.at(-1)?.writtenWithinMs, null);
    await clock.advance(15_000);
    assert.deepEqual(states(mail), ['web.mail/1 unhealthy']);
    assert.match(reasonIn(one), /^3 checks in a row failed; there is no file up/);
    assert.equal(told.filter(({ kind }) => kind === 'instance_not_ready').length > 0, true);
    host.shown = passed;
    await clock.advance(1_000);
    assert.deepEqual(states(mail), ['web.mail/1 healthy']);
    assert.deepEqual([host.programs.length, host.program(0).signals], [1, []]);
  });

test('a look that brings nothing keeps the worker starting, and stopping does not wait for it', async () => {
  const { supervisor, host, clock, states } = supervise([worker({ kind: 'command', command: ['sleep', '60'] })]);
  host.shown = 'silent';
  supervisor.start();
  await clock.advance(5_000);
  assert.deepEqual(states(mail), ['web.mail/1 starting']);
  assert.equal(host.looks.length, 1);
  let isOver = false;
  void supervisor.stop().then(() => (isOver = true));
  await clock.advance(10);
  assert.equal(isOver, true);
});

test('a changed worker is replaced without a drain: the new one is ready before the old one is asked to stop', async () => {
  const { supervisor, host, clock, states } = supervise([worker(staysUp)]);
  supervisor.start();
  await clock.advance(2_000);
  supervisor.apply([worker(staysUp, { command: ['python3', 'new.py'] })]);
  await clock.advance(900);
  assert.deepEqual(states(mail), ['web.mail/1 healthy', 'web.mail/2 starting']);
  assert.deepEqual(host.program(0).signals, []);
  await clock.advance(200);
  assert.deepEqual(host.program(0).signals, ['SIGTERM']);
  await clock.advance(100);
  assert.deepEqual(states(mail), ['web.mail/2 healthy']);
});

test('with `replace: stop_first` the old worker has ended before the new one starts', async () => {
  const first = worker(staysUp, { replace: 'stop_first' });
  const { supervisor, host, clock, states } = supervise([first]);
  host.onStart = (program) => Object.assign(program, { onSigterm: 'ignore' });
  supervisor.start();
  await clock.advance(2_000);
  supervisor.apply([{ ...first, command: ['python3', 'new.py'] }]);
  await clock.advance(3_900);
  assert.deepEqual([host.programs.length, host.program(0).signals], [1, ['SIGTERM']]);
  await clock.advance(500);
  assert.deepEqual(host.program(0).signals, ['SIGTERM', 'SIGKILL']);
  await clock.advance(1_500);
  assert.deepEqual(states(mail), ['web.mail/2 healthy']);
});

test('workers follow the release of their application when its arms change', async () => {
  let release = 'v1';
  const { supervisor, host, clock } = supervise([worker(staysUp)], {
    armsOf: (spec) => [{ name: 'new', share: 1, spec: { ...spec, release, directory: `/releases/${release}` } }],
  });
  supervisor.start();
  await clock.advance(2_000);
  supervisor.refresh(web);
  await clock.advance(2_000);
  assert.equal(host.programs.length, 1);
  release = 'v2';
  supervisor.apply([worker(staysUp), { ...worker(staysUp), id: web, instances: 0 }]);
  supervisor.refresh(web);
  await clock.advance(2_000);
  assert.deepEqual(
    host.programs.map(({ request }) => request.directory),
    ['/releases/v1', '/releases/v2'],
  );
  assert.deepEqual(host.program(0).signals, ['SIGTERM']);
});

for (const [what, ready] of [
  ['that has printed its line', line],
  ['that has stayed up', staysUp],
  ['with a file', { kind: 'file', path: 'up' }],
] as const)
  test(`a ready worker ${what} is taken over by another process as it is, however long that takes`, async () => {
    const spec = worker(ready);
    const earlier = supervise([spec]);
    earlier.host.shown = passed;
    earlier.supervisor.start();
    await earlier.clock.advance(1);
    earlier.host.program(0).listener.onLine('stdout', 'started');
    await earlier.clock.advance(3_000);
    const [record, ...others] = earlier.supervisor.detach();
    assert.ok(record !== undefined && others.length === 0);
    const later = supervise([spec]);
    later.host.shown = passed;
    later.host.earlier.set(1_000, earlier.host.program(0) as FakeProgram);
    assert.equal(later.supervisor.adopt([record], 8_000).length, 1);
    later.supervisor.apply([spec]);
    await later.clock.advance(1_500);
    assert.deepEqual(later.states(mail), ['web.mail/1 healthy']);
    assert.deepEqual([later.host.programs.length, later.host.program(0).signals, [...later.host.ports]], [1, [], []]);
  });

test('a worker that ends again and again is started after growing pauses', async () => {
  const { supervisor, host, clock, told } = supervise([worker(line)]);
  host.onStart = (program) => {
    queueMicrotask(() => queueMicrotask(() => program.end({ code: 1 })));
    return program;
  };
  supervisor.start();
  await clock.advance(60_000);
  const pauses = told.flatMap((event) =>
    event.kind === 'instance_restarting' ? [(event.evidence as { failures: number }).failures] : [],
  );
  assert.ok(host.programs.length > 5 && host.programs.length < 40, String(host.programs.length));
  assert.deepEqual(pauses.slice(0, 3), [1, 2, 3]);
});
