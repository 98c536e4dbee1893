import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { NewEvent } from '../core/event.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import { FakeHost, good, refused, supervise, web } from './fake-machine.test-support.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { ApplicationArm } from './application-arm.ts';
import type { createSupervisor, SupervisorParts } from './supervisor.ts';

const application: ApplicationSpec = {
  id: web,
  command: ['node', 'server.js'],
  directory: '/srv/web',
  environment: {},
  instances: 1,
  port: null,
  readiness: { path: '/up', intervalMs: 100, timeoutMs: 500, passes: 3, startMs: 5_000 },
  stopMs: 4_000,
  restart: { firstMs: 100, maxMs: 10_000, resetAfterMs: 60_000 },
};

/** Asked at its first page, where what people ask for shows as much. */
const atFirstPage: ApplicationSpec = { ...application, readiness: { ...application.readiness, path: '/' } };

const reasonOf = (supervisor: ReturnType<typeof createSupervisor>) => supervisor.instances(web)[0]?.reason ?? '';

test('an instance is healthy only after its checks have passed in a row', async () => {
  const { supervisor, host, clock, states, last } = supervise([application]);
  host.onStart = (program) => Object.assign(program, { answer: refused });
  supervisor.start();
  assert.deepEqual(states(), ['web/1 starting']);
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 starting']);
  assert.match(reasonOf(supervisor), /starting: GET \/up on port 40001: connection refused/);
  host.program(0).answer = good;
  await clock.advance(101);
  assert.deepEqual(states(), ['web/1 starting']);
  await clock.advance(150);
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.deepEqual(supervisor.instances(web)[0]?.address, { kind: 'tcp', host: '127.0.0.1', port: 40_001 });
  assert.equal(last('instance_ready')?.evidence.port, 40_001);
  assert.equal(last('instance_started')?.evidence.command, 'node server.js');
});

test('a timeout is never readiness, however long it goes on, and is reported when it persists and when the time is over', async () => {
  const { supervisor, host, clock, states, told, last } = supervise([application]);
  host.onStart = (program) => Object.assign(program, { answer: 'silent' });
  supervisor.start();
  await clock.advance(3_600_000);
  assert.deepEqual(states(), ['web/1 starting']);
  assert.equal(told.filter(({ kind }) => kind === 'instance_not_ready').length, 2);
  assert.equal(last('instance_not_ready')?.evidence.last, 'GET /up on port 40001: no answer within 500 ms');
  host.program(0).answer = good;
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('the problem that keeps an instance from being ready is reported once, within two seconds', async () => {
  const { supervisor, host, clock, told, last } = supervise([application]);
  const told404 = (): number => told.filter(({ kind }) => kind === 'instance_not_ready').length;
  host.onStart = (program) =>
    Object.assign(program, { answer: { kind: 'answered', status: 404, location: null, firstBytes: '' } });
  supervisor.start();
  await clock.advance(2_000);
  assert.equal(told404(), 1);
  const { reason, evidence, from, to } = last('instance_not_ready') ?? assert.fail();
  assert.match(reason, /^starting: GET \/up on port 40001 answered 404: point readiness\.path at a path that exists/);
  assert.deepEqual(
    [from, to, evidence.fix],
    ['starting', 'starting', 'point readiness.path at a path that exists, such as /health or /up'],
  );
  await clock.advance(1_000);
  assert.equal(told404(), 1);
});

test('a slow start is not reported as a problem, nor is one failing answer that passes', async () => {
  const { supervisor, host, clock, kinds } = supervise([application]);
  host.onStart = (program) => Object.assign(program, { answer: refused });
  supervisor.start();
  await clock.advance(4_000);
  host.program(0).answer = { kind: 'answered', status: 503, location: null, firstBytes: 'warming up' };
  await clock.advance(600);
  host.program(0).answer = good;
  await clock.advance(1_000);
  assert.deepEqual(kinds(), ['instance_started', 'instance_ready']);
});

test('a ready instance without requests is checked less and less often, but at least every 30 s', async () => {
  const { supervisor, host, clock } = supervise([atFirstPage]);
  supervisor.start();
  await clock.advance(1_000);
  const asked = (): number => host.program(0).asked;
  let before = asked();
  const perMinute: number[] = [];
  for (let minute = 0; minute < 5; minute++) {
    await clock.advance(60_000);
    perMinute.push(asked() - before);
    before = asked();
  }
  assert.ok((perMinute[0] ?? 0) <= 7, `${perMinute[0]} in the first minute`);
  assert.deepEqual(perMinute.slice(1), [2, 2, 2, 2]);
});

test('the first page of a ready instance is not checked while its requests are answered, and again 5 s after the last one', async () => {
  const { supervisor, host, clock } = supervise([atFirstPage]);
  supervisor.start();
  await clock.advance(1_000);
  const asked = (): number => host.program(0).asked;
  const before = asked();
  for (let time = 0; time < 240; time++) {
    supervisor.noteTraffic(web, 'web/1', { served: true, failed: false });
    await clock.advance(250);
  }
  assert.equal(asked() - before, 0);
  await clock.advance(4_700);
  assert.equal(asked() - before, 0);
  await clock.advance(100);
  assert.equal(asked() - before, 1);
});

test('a ready instance whose requests fail is checked at once, and not more than once a second because of them', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  supervisor.start();
  await clock.advance(120_000);
  const asked = (): number => host.program(0).asked;
  const before = asked();
  supervisor.noteTraffic(web, 'web/1', { served: false, failed: true });
  await clock.advance(260);
  assert.equal(asked() - before, 1);
  for (let time = 0; time < 40; time++) {
    supervisor.noteTraffic(web, 'web/1', { served: true, failed: true });
    await clock.advance(250);
  }
  assert.ok(asked() - before <= 12, `${asked() - before} in ten seconds`);
  host.program(0).answer = refused;
  supervisor.noteTraffic(web, 'web/1', { served: false, failed: true });
  await clock.advance(2_500);
  assert.deepEqual(states(), ['web/1 unhealthy']);
  host.program(0).answer = good;
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('an answered request does not postpone a check that a failed one has requested', async () => {
  const { supervisor, host, clock, states } = supervise([atFirstPage]);
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).answer = refused;
  const before = host.program(0).asked;
  for (let time = 0; time < 40; time++) {
    const failed = time % 2 === 0;
    supervisor.noteTraffic(web, 'web/1', { served: !failed, failed });
    await clock.advance(100);
  }
  assert.ok(host.program(0).asked - before >= 3, `${host.program(0).asked - before} checks in four seconds`);
  assert.deepEqual(states(), ['web/1 unhealthy']);
});

test('a readiness path, or what the first page must be like, is checked every 10 s while requests are answered; the first page is not', async () => {
  for (const [spec, expected] of [
    [application, 6],
    [atFirstPage, 0],
    [{ ...atFirstPage, readiness: { ...atFirstPage.readiness, expectStatus: [{ from: 200, to: 200 }] } }, 6],
  ] as const) {
    const { supervisor, host, clock } = supervise([spec]);
    supervisor.start();
    await clock.advance(1_000);
    const before = host.program(0).asked;
    for (let time = 0; time < 600; time++) {
      supervisor.noteTraffic(web, 'web/1', { served: true, failed: false });
      await clock.advance(100);
    }
    assert.equal(host.program(0).asked - before, expected, spec.readiness.path);
  }
});

test('an application that takes itself out by its readiness path gets no requests, whatever its pages answer', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).answer = { kind: 'answered', status: 503, location: null, firstBytes: 'going' };
  for (let time = 0; time < 125; time++) {
    supervisor.noteTraffic(web, 'web/1', { served: true, failed: false });
    await clock.advance(100);
  }
  assert.deepEqual(states(), ['web/1 unhealthy']);
});

test('requests make no instance ready, whatever they report', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  host.onStart = (program) => Object.assign(program, { answer: refused });
  supervisor.start();
  for (let time = 0; time < 40; time++) {
    supervisor.noteTraffic(web, 'web/1', { served: true, failed: false });
    await clock.advance(250);
  }
  assert.deepEqual(states(), ['web/1 starting']);
});

test('a redirect is no readiness, and the reason says where it leads', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  host.onStart = (program) =>
    Object.assign(program, { answer: { kind: 'answered', status: 302, location: '/login', firstBytes: '' } });
  supervisor.start();
  await clock.advance(2_000);
  assert.deepEqual(states(), ['web/1 starting']);
  assert.match(
    reasonOf(supervisor),
    /302, which redirects to \/login: point readiness\.path at a path that answers 200/,
  );
});

test('three failed checks take a ready instance out, three passes bring it back, and its program is left alone', async () => {
  const { supervisor, host, clock, states, changes, last } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).answer = { kind: 'answered', status: 500, location: null, firstBytes: 'database gone' };
  await clock.advance(3_100);
  assert.deepEqual(states(), ['web/1 unhealthy']);
  assert.match(
    reasonOf(supervisor),
    /3 checks in a row failed; GET \/up on port 40001 answered 500 \("database gone"\)/,
  );
  assert.deepEqual([last('instance_not_ready')?.from, last('instance_not_ready')?.to], ['ready', 'failing']);
  host.program(0).answer = good;
  await clock.advance(3_100);
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.deepEqual(changes, ['web/1 starting', 'web/1 healthy', 'web/1 unhealthy', 'web/1 healthy']);
  assert.equal(host.programs.length, 1);
});

test('a first page that fails takes no ready instance out: its clients get its own answer; refused connections do', async () => {
  const { supervisor, host, clock, states } = supervise([atFirstPage]);
  supervisor.start();
  await clock.advance(1_000);
  const before = host.program(0).asked;
  host.program(0).answer = { kind: 'answered', status: 500, location: null, firstBytes: 'compile error' };
  await clock.advance(120_000);
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.ok(host.program(0).asked - before < 12, 'an answer that fails asks for no more checks than one that does not');
  host.program(0).answer = refused;
  await clock.advance(40_000);
  assert.deepEqual(states(), ['web/1 unhealthy']);
  host.program(0).answer = { kind: 'answered', status: 500, location: null, firstBytes: 'compile error' };
  await clock.advance(5_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('a new run at the first page is ready only when that answers 2xx', async () => {
  const { supervisor, host, clock, states } = supervise([atFirstPage]);
  host.onStart = (program) =>
    Object.assign(program, { answer: { kind: 'answered', status: 500, location: null, firstBytes: 'compile error' } });
  supervisor.start();
  await clock.advance(60_000);
  assert.deepEqual(states(), ['web/1 starting']);
});

test('an exit is reported at once, and again when the last line has come', async () => {
  const { supervisor, host, clock, told, last } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  const exits: unknown[] = [];
  supervisor.onChange(() =>
    exits.push([supervisor.instances(web)[0]?.state, supervisor.instances(web)[0]?.exit?.lastLine]),
  );
  const program = host.program(0);
  program.listener.onLine('stdout', 'listening');
  program.running = false;
  program.listener.onExited({ code: 1, signal: null, outOfMemory: false });
  assert.deepEqual(exits, [['unhealthy', 'listening']]);
  assert.ok(!told.some(({ kind }) => kind === 'instance_exited'), 'the event waits for the output');
  program.listener.onLine('stderr', 'Error: no database');
  program.listener.onOutputEnded();
  assert.deepEqual(exits.at(-1), ['unhealthy', 'Error: no database']);
  assert.deepEqual(last('instance_exited')?.evidence.output, ['listening', 'Error: no database']);
  assert.equal(last('instance_exited')?.reason, 'exited with code 1; last line: "Error: no database"');
  const [instance] = supervisor.instances(web);
  assert.deepEqual(instance?.exit, {
    atInstant: 1_000,
    code: 1,
    signal: null,
    outOfMemory: false,
    lastLine: 'Error: no database',
  });
});

test('an exit explains nothing of the run after it', async () => {
  const { supervisor, host, clock } = supervise([application]);
  const exit = (): unknown => supervisor.instances(web)[0]?.exit?.code;
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).end({ code: 3 }, 'Error: boom');
  assert.equal(exit(), 3);
  await clock.advance(5_000);
  assert.equal(host.programs.length, 2);
  assert.equal(exit(), undefined, 'the second runs');
  assert.deepEqual(supervisor.status()[0]?.instances[0]?.lastLines, [], 'and has written nothing');
  host.program(1).end({ code: 4 });
  assert.equal(exit(), 4);
});

test('an instance that ended says so to requests, also while it starts again; and nothing of the run before once it is ready', async () => {
  const { supervisor, host, clock } = supervise([application]);
  const finding = () => supervisor.instances(web)[0]?.finding ?? null;
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).end({ code: 1 }, 'Error: boom');
  assert.equal(finding()?.exits, 1);
  assert.equal(finding()?.reason, 'it has ended: exited with code 1; last line: "Error: boom"');
  assert.match(finding()?.fix ?? '', /^read the last output of the instance .* cause of the exit$/);
  host.onStart = (program) => {
    queueMicrotask(() => program.end({ code: null, signal: 'SIGKILL', outOfMemory: true }));
    return program;
  };
  await clock.advance(1_000);
  assert.ok((finding()?.exits ?? 0) >= 2);
  assert.match(
    finding()?.reason ?? '',
    /^it has ended \d times in a row, the last time: killed by the kernel: out of memory$/,
  );
  assert.match(finding()?.fix ?? '', /^give the application more memory/);
  host.onStart = (program) => program;
  await clock.advance(10_000);
  assert.deepEqual([supervisor.instances(web)[0]?.state, finding()], ['healthy', null]);
});

test('a program that keeps ending is started again after growing pauses, on a new port, and the status counts its failures in a row', async () => {
  const { supervisor, host, clock, told, states } = supervise([application]);
  host.onStart = (program) => {
    queueMicrotask(() => program.end({ code: 1 }, 'Error: boom'));
    return program;
  };
  supervisor.start();
  await clock.advance(60_000);
  const delays = told.flatMap((event) =>
    event.kind === 'instance_restarting' ? [(event as NewEvent<'instance_restarting'>).evidence] : [],
  );
  assert.ok(delays.length >= 8 && delays.length < 40, `${delays.length} restarts in a minute`);
  delays.forEach(({ afterMs, failures }, index) => {
    assert.equal(failures, index + 1);
    assert.ok(afterMs <= Math.min(10_000, 100 * 2 ** index));
  });
  assert.ok(
    new Set(host.programs.map(({ request }) => request.port)).size === host.programs.length,
    'every run has its own port',
  );
  assert.match(
    reasonOf(supervisor),
    /exited with code 1; last line: "Error: boom"; starts again after .* \(failed \d+ times in a row\)/,
  );
  const status = supervisor.status()[0]?.instances[0];
  assert.deepEqual(
    [status?.phase, status?.restarts, status?.lastLines],
    ['backing_off', host.programs.length - 1, ['Error: boom']],
  );
  assert.deepEqual(states(), ['web/1 unhealthy']);
});

test('a program that cannot be started is an event and a reason, and is tried again', async () => {
  const { supervisor, host, clock, last, states } = supervise([application]);
  host.onStart = () => null;
  supervisor.start();
  await clock.advance(10);
  assert.deepEqual(states(), ['web/1 unhealthy']);
  assert.deepEqual(last('instance_not_started')?.evidence, {
    command: 'node server.js',
    directory: '/srv/web',
    errno: 'ENOENT',
  });
  assert.match(reasonOf(supervisor), /the program node is in no directory of PATH; starts again after/);
  host.onStart = (program) => program;
  await clock.advance(20_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('a fixed port that another program holds is reported, and tried again', async () => {
  const { supervisor, host, clock, states } = supervise([{ ...application, port: 3_000 }]);
  host.ports.add(3_000);
  supervisor.start();
  await clock.advance(10);
  assert.match(reasonOf(supervisor), /port 3000 is taken: /);
  host.ports.delete(3_000);
  await clock.advance(20_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('a wrong listen address is an event and the reason, reported after two looks with the same result', async () => {
  const { supervisor, host, clock, last, told } = supervise([application]);
  host.onStart = (program) =>
    Object.assign(program, { answer: refused, listensOn: [{ host: '127.0.0.1', port: 3_000 }] });
  supervisor.start();
  await clock.advance(300);
  assert.equal(last('instance_wrong_listen_address'), undefined);
  await clock.advance(5_000);
  assert.deepEqual(last('instance_wrong_listen_address')?.evidence, {
    expected: '127.0.0.1:40001',
    listensOn: ['127.0.0.1:3000'],
  });
  assert.match(
    reasonOf(supervisor),
    /listens on 127\.0\.0\.1:3000, not on 40001, the port that it was given \(PORT\): let it listen on the port in the PORT environment variable/,
  );
  assert.equal(told.filter(({ kind }) => kind === 'instance_wrong_listen_address').length, 1);
});

test('stopping asks, then kills, and resolves when the whole group is gone', async () => {
  const { supervisor, host, clock } = supervise([{ ...application, instances: 2 }]);
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).onSigterm = 'ignore';
  host.program(1).hasLeftover = true;
  let stopped = false;
  void supervisor.stop().then(() => (stopped = true));
  await clock.advance(3_999);
  assert.equal(stopped, false);
  assert.deepEqual([host.program(0).signals, host.program(1).signals], [['SIGTERM'], ['SIGTERM']]);
  await clock.advance(200); // the limit, and a pause between two looks
  assert.deepEqual(
    [host.program(0).signals, host.program(1).signals],
    [
      ['SIGTERM', 'SIGKILL'],
      ['SIGTERM', 'SIGKILL'],
    ],
  );
  assert.equal(stopped, true);
  assert.equal(host.closed, true);
  assert.equal(host.ports.size, 0);
  assert.deepEqual(supervisor.instances(web), []);
});

test('a second stop kills at once', async () => {
  const { supervisor, host, clock } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  host.program(0).onSigterm = 'ignore';
  void supervisor.stop();
  await clock.advance(10);
  const stopped = supervisor.stop();
  await clock.advance(30);
  await stopped;
  assert.deepEqual(host.program(0).signals, ['SIGTERM', 'SIGKILL']);
});

test('stopping before a port is reserved leaves no program and no port', async () => {
  const { supervisor, host, clock } = supervise([application]);
  supervisor.start();
  const stopped = supervisor.stop();
  await clock.advance(0);
  await stopped;
  assert.equal(host.programs.length, 0);
  assert.equal(host.ports.size, 0);
});

test('a changed application: the new instance is ready before the old one is drained and stopped', async () => {
  const { supervisor, host, clock, changes } = supervise([application], { drainMs: () => 2_000 });
  supervisor.start();
  await clock.advance(1_000);
  changes.length = 0;
  supervisor.apply([{ ...application, environment: { COLOUR: 'green' } }]);
  await clock.advance(250);
  assert.deepEqual(host.program(0).signals, []);
  await clock.advance(1_000);
  assert.deepEqual(host.program(0).signals, [], 'draining');
  await clock.advance(1_200);
  assert.deepEqual(host.program(0).signals, ['SIGTERM']);
  assert.deepEqual(changes, [
    'web/1 healthy, web/2 starting',
    'web/1 draining, web/2 healthy', // in one change: nobody ever sees none that is healthy
    'web/2 healthy',
  ]);
});

for (const [what, next, replacedBy] of [
  ['the instance that had replaced it', [{ ...application, environment: { COLOUR: 'green' } }], 'web/2'],
  ['none where the application was removed', [], null],
] as const)
  test(`an exit says that Candor stopped the instance, and ${what}`, async () => {
    const { supervisor, clock } = supervise([application], { drainMs: () => 100 });
    supervisor.start();
    await clock.advance(1_000);
    const exits: (InstanceExit | null)[] = [];
    supervisor.onChange(() => {
      for (const { id, exit } of supervisor.instances(web)) {
        if (id !== 'web/1') continue;
        exits.push(exit);
        if (exit !== null) assert.equal(supervisor.replacedBy('web/1'), replacedBy);
      }
    });
    supervisor.apply(next);
    await clock.advance(2_000);
    const exit = exits.find((one) => one !== null);
    assert.deepEqual([exit?.signal, exit?.stopped], ['SIGTERM', { replacedBy }]);
  });

test('draining ends when the last request has', async () => {
  const drains = Promise.withResolvers<void>();
  const { supervisor, host, clock } = supervise([application], {
    drainMs: () => 30_000,
    whenDrained: () => drains.promise,
  });
  supervisor.start();
  await clock.advance(1_000);
  supervisor.apply([{ ...application, command: ['node', 'new.js'] }]);
  await clock.advance(1_000);
  assert.deepEqual(host.program(0).signals, []);
  drains.resolve();
  await clock.advance(1);
  assert.deepEqual(host.program(0).signals, ['SIGTERM']);
});

test('an instance that ends at its starts is not started again beside those of a new configuration', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  host.onStart = (program) => Object.assign(program, { answer: refused });
  supervisor.start();
  await clock.advance(100);
  host.program(0).end({ code: 3 });
  await clock.advance(10);
  assert.deepEqual(states(), ['web/1 unhealthy']);
  supervisor.apply([{ ...application, command: ['node', 'also-broken.js'] }]);
  await clock.advance(1);
  assert.deepEqual(states(), ['web/2 starting']);
  await clock.advance(60_000);
  const commands = host.programs.map(({ request }) => request.command.join(' '));
  assert.equal(commands.filter((command) => command === commands[0]).length, 1);
});

test('a changed application that never gets ready leaves the old one serving, and going back stops the new one', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  host.onStart = (program) => Object.assign(program, { answer: 'silent' });
  supervisor.apply([{ ...application, command: ['node', 'broken.js'] }]);
  await clock.advance(600_000);
  assert.deepEqual(states(), ['web/1 healthy', 'web/2 starting']);
  supervisor.apply([{ ...application, command: ['node', 'broken-too.js'] }]);
  await clock.advance(600_000);
  assert.deepEqual(states(), ['web/1 healthy', 'web/3 starting']);
  supervisor.apply([application]);
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.deepEqual(host.program(0).signals, []);
});

test('unchanged applications are not touched, limits apply without a restart, and the number of instances follows', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  supervisor.start();
  await clock.advance(1_000);
  supervisor.apply([{ ...application, stopMs: 10, instances: 3 }]);
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy', 'web/2 healthy', 'web/3 healthy']);
  supervisor.apply([{ ...application, stopMs: 10 }]);
  await clock.advance(20_000);
  assert.equal(states().length, 1);
  assert.equal(host.programs.length, 3);
});

test('with a fixed port the old instance ends before the new one starts', async () => {
  const { supervisor, host, clock, states } = supervise([{ ...application, port: 3_000 }], { drainMs: () => 500 });
  supervisor.start();
  await clock.advance(1_000);
  supervisor.apply([{ ...application, port: 3_000, command: ['node', 'new.js'] }]);
  assert.deepEqual(states(), ['web/1 draining']);
  await clock.advance(2_000);
  assert.deepEqual(states(), ['web/2 healthy']);
  assert.equal(host.programs.length, 2);
});

test('an instance is restarted on request: a new one is ready before it is drained, and with a fixed port it ends first', async () => {
  const free = supervise([application], { drainMs: () => 500 });
  free.supervisor.start();
  await free.clock.advance(1_000);
  assert.deepEqual([free.supervisor.restart('web/9'), free.supervisor.restart('web/1')], [false, true]);
  assert.deepEqual(free.states(), ['web/1 healthy', 'web/2 starting']);
  await free.clock.advance(2_000);
  assert.deepEqual(free.states(), ['web/2 healthy']);
  assert.equal(free.supervisor.restart('web/1'), false);

  const fixed = supervise([{ ...application, port: 3_000 }], { drainMs: () => 500 });
  fixed.supervisor.start();
  await fixed.clock.advance(1_000);
  assert.equal(fixed.supervisor.restart('web/1'), true);
  assert.deepEqual(fixed.states(), ['web/1 draining']);
  assert.equal(fixed.supervisor.restart('web/1'), false);
  await fixed.clock.advance(2_000);
  assert.deepEqual(fixed.states(), ['web/2 healthy']);
});

test('two releases run beside one another, each with its share; one that is left is drained, and the other is not touched', async () => {
  const release = (name: string, instances = 1): ApplicationSpec => ({
    ...application,
    ...{ release: name, directory: `/srv/${name}`, instances },
  });
  let arms: readonly [ApplicationArm, ...ApplicationArm[]] = [{ spec: release('r1', 2), name: 'old', share: 1 }];
  const { supervisor, host, clock, states } = supervise([application], { armsOf: () => arms });
  const shares = () =>
    supervisor
      .instances(web)
      .map(({ id, release: name, arm, share = 'all' }) => [id, name, arm ?? [], share].flat().join(' '));
  supervisor.start();
  await clock.advance(1_000);
  assert.deepEqual(shares(), ['web/1 r1 all', 'web/2 r1 all']);
  arms = [arms[0], { spec: release('r2'), name: 'new', share: 0 }];
  supervisor.refresh(web);
  await clock.advance(1_000);
  assert.deepEqual(shares(), ['web/1 r1 old 1', 'web/2 r1 old 1', 'web/3 r2 new 0']);
  assert.deepEqual(states(), ['web/1 healthy', 'web/2 healthy', 'web/3 healthy']);
  assert.equal(host.program(2).request.directory, '/srv/r2');
  // The new one is in force, and the old one stays warm.
  arms = [
    { spec: release('r2'), name: 'new', share: 1 },
    { spec: release('r1', 2), name: 'old', share: 0 },
  ];
  supervisor.refresh(web);
  assert.deepEqual(shares(), ['web/1 r1 old 0', 'web/2 r1 old 0', 'web/3 r2 new 1']);
  arms = [arms[0]];
  const notified: string[][] = [];
  supervisor.onChange(() => void notified.push(states()));
  supervisor.refresh(web);
  assert.deepEqual(notified, [['web/1 draining', 'web/2 draining', 'web/3 healthy']]);
  await clock.advance(11_000);
  assert.deepEqual(shares(), ['web/3 r2 all']);
  assert.deepEqual([host.programs.length, host.program(2).signals], [3, []]);
});

test('a release that ends at its starts leaves the other one alone', async () => {
  const arms: readonly [ApplicationArm, ...ApplicationArm[]] = [
    { spec: { ...application, release: 'r1' }, name: 'old', share: 1 },
    { spec: { ...application, release: 'r2', directory: '/srv/r2' }, name: 'new', share: 0 },
  ];
  const { supervisor, host, clock, states } = supervise([application], { armsOf: () => arms });
  host.onStart = (program) => {
    if (program.request.directory === '/srv/r2') queueMicrotask(() => program.end({ code: 1 }, 'no database'));
    return program;
  };
  supervisor.start();
  await clock.advance(3_000);
  assert.equal(states()[0], 'web/1 healthy');
  const failing = supervisor.instances(web)[1];
  assert.ok((failing?.finding?.exits ?? 0) >= 2, JSON.stringify(failing));
});

test('a removed application is drained, stopped and forgotten', async () => {
  const { supervisor, clock, states } = supervise([application], { drainMs: () => 500 });
  supervisor.start();
  await clock.advance(1_000);
  supervisor.apply([]);
  assert.deepEqual(states(), ['web/1 draining']);
  await clock.advance(1_000);
  assert.deepEqual(supervisor.status(), []);
});

test('no timer is left once everything has stopped', async () => {
  const { supervisor, clock } = supervise([application]);
  supervisor.start();
  await clock.advance(5_000);
  void supervisor.stop();
  await clock.advance(10_000);
  assert.equal(clock.timersLive, 0);
});

// ── from one process to the next ────────────────────────────────────────────────────────────────────────────────────

/** What a supervisor leaves, and the programs that it has left, to be taken over by another one. */
async function leave(specs: readonly ApplicationSpec[], runMs = 2_000) {
  const { supervisor, host, clock, last } = supervise(specs);
  supervisor.start();
  await clock.advance(runMs);
  const records = supervisor.detach();
  return { supervisor, host, clock, last, records: JSON.parse(JSON.stringify(records)) as readonly InstanceRecord[] };
}

/** Another process on the same machine. */
function takeOver(
  left: { readonly host: FakeHost },
  specs: readonly ApplicationSpec[],
  parts: Partial<SupervisorParts> = {},
) {
  const next = supervise(specs, parts);
  for (const program of left.host.programs) next.host.earlier.set(program.pid, program);
  return next;
}

test('detached instances are neither checked nor stopped, and keep their state', async () => {
  const left = await leave([application]);
  assert.equal(left.records.length, 1);
  const program = left.host.program(0);
  assert.equal(program.isLetGo, true);
  program.answer = refused;
  program.end({ code: 1 });
  await left.clock.advance(60_000);
  assert.equal(left.host.programs.length, 1, 'nothing is started any more');
  assert.deepEqual(
    left.supervisor.instances(web).map(({ state }) => state),
    ['healthy'],
  );
  let stopped = false;
  void left.supervisor.stop().then(() => (stopped = true));
  await left.clock.advance(1);
  assert.deepEqual([stopped, program.signals, left.clock.timersLive], [true, [], 0]);
});

test('a ready instance that was detached just now serves at once, and keeps its name, its history and its port', async () => {
  const left = await leave([application]);
  const { supervisor, host, clock, states, last, kinds } = takeOver(left, [application]);
  assert.equal(supervisor.adopt(left.records, 1_000).length, 1);
  supervisor.start();
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.deepEqual(last('instance_adopted')?.evidence, {
    pid: 1_000,
    port: 40_001,
    command: 'node server.js',
    ranMs: 2_000,
    release: null,
  });
  assert.match(reasonOf(supervisor), /^it was ready when this process took it over \(GET \/up on port 40001\)$/);
  await clock.advance(5_000);
  assert.deepEqual([states(), kinds()], [['web/1 healthy'], ['instance_adopted']]);
  host.program(0).answer = refused;
  await clock.advance(5_000);
  assert.deepEqual(states(), ['web/1 unhealthy'], 'it is checked like any other');
  assert.ok(host.ports.has(40_001));
});

test('an instance that was not checked for long must pass its checks again', async () => {
  const left = await leave([application]);
  const { supervisor, clock, states } = takeOver(left, [application]);
  supervisor.adopt(left.records, 5_001);
  supervisor.start();
  assert.deepEqual(states(), ['web/1 starting']);
  assert.match(reasonOf(supervisor), /^taken over from an earlier process; it must pass its checks first: no check/);
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('no instance is stopped or started before the configuration is applied, whatever checks report meanwhile', async () => {
  const left = await leave([{ ...application, instances: 2 }]);
  const { supervisor, host, clock, states } = takeOver(left, [application]);
  supervisor.adopt(left.records, 0);
  await clock.advance(3_000);
  assert.deepEqual(states(), ['web/1 healthy', 'web/2 healthy']);
  supervisor.start();
  await clock.advance(20_000);
  assert.equal(states().length, 1);
  assert.equal(host.programs.length, 2, 'none was started');
});

const misfits: readonly (readonly [what: string, next: readonly ApplicationSpec[]])[] = [
  ['another command', [{ ...application, command: ['node', 'other.js'] }]],
  ['another environment', [{ ...application, environment: { COLOUR: 'green' } }]],
  ['another directory', [{ ...application, directory: '/srv/other' }]],
  [
    'another header of its checks',
    [{ ...application, readiness: { ...application.readiness, headers: [['A', 'b']] } }],
  ],
  ['another readiness', [{ ...application, readiness: { ...application.readiness, path: '/other' } }]],
];

for (const [what, specs] of misfits) {
  test(`${what}: the adopted instance serves until a new one is ready, and is not started again`, async () => {
    const left = await leave([application]);
    const { supervisor, host, clock, states, changes } = takeOver(left, specs, { drainMs: () => 500 });
    supervisor.adopt(left.records, 0);
    supervisor.start();
    assert.deepEqual(states(), ['web/1 healthy', 'web/2 starting']);
    await clock.advance(2_000);
    assert.deepEqual(states(), ['web/2 healthy']);
    assert.ok(
      changes.every((text) => text.includes('healthy')),
      changes.join(' | '),
    );
    assert.deepEqual(host.program(0).signals, ['SIGTERM']);
  });
}

test('an adopted instance that does not fit and ends is replaced by a new one', async () => {
  const left = await leave([application]);
  const next = [{ ...application, command: ['node', 'other.js'] }];
  const { supervisor, host, clock, states } = takeOver(left, next);
  host.onStart = (program) => Object.assign(program, { answer: refused });
  supervisor.adopt(left.records, 0);
  supervisor.start();
  await clock.advance(100);
  host.program(0).end({ code: null });
  await clock.advance(2_000);
  assert.deepEqual(states(), ['web/2 starting']);
  assert.ok(host.programs.slice(1).every(({ request }) => request.command[1] === 'other.js'));
});

test('an instance that has ended meanwhile is started again, under another name', async () => {
  const left = await leave([application]);
  left.host.program(0).running = false;
  const { supervisor, clock, states } = takeOver(left, [application]);
  assert.deepEqual(supervisor.adopt(left.records, 0), []);
  supervisor.start();
  await clock.advance(1_000);
  assert.deepEqual(states(), ['web/1 healthy']);
});

test('the exit of an adopted instance is reported without a code, and it is started again', async () => {
  const left = await leave([application]);
  const { supervisor, host, clock, last, states } = takeOver(left, [application]);
  supervisor.adopt(left.records, 0);
  supervisor.start();
  host.program(0).end({ code: null, signal: null, outOfMemory: null }, 'Error: gone');
  await clock.advance(1_000);
  const exited = last('instance_exited');
  assert.equal(
    exited?.reason,
    'ended; how is not known, since an earlier Candor process had started it; last line: "Error: gone"',
  );
  assert.deepEqual([exited?.evidence.code, exited?.evidence.signal, exited?.evidence.outOfMemory], [null, null, false]);
  assert.deepEqual(states(), ['web/1 healthy']);
  assert.equal(host.programs.length, 2);
});

test('an instance that was draining or stopping continues with that', async () => {
  const left = await leave([{ ...application, instances: 2 }]);
  const phases = ['draining', 'stopping'] as const;
  const records = left.records.map((record, index) => ({
    ...record,
    phase: phases[index] ?? ('ready' as const),
    dueInMs: 1_000,
  }));
  const { supervisor, host, clock, states } = takeOver(left, [application]);
  supervisor.adopt(records, 0);
  supervisor.start();
  assert.deepEqual(states(), ['web/1 draining', 'web/2 draining', 'web/3 starting']);
  await clock.advance(900);
  assert.deepEqual(host.program(0).signals, []);
  await clock.advance(200);
  assert.deepEqual(host.program(0).signals, ['SIGTERM']);
  await clock.advance(10_000);
  assert.deepEqual(host.program(1).signals, ['SIGKILL'], 'it had been asked before');
  assert.deepEqual(states(), ['web/3 healthy']);
});

test('an instance that writes into unnamed pipes is not detached, and is stopped with the rest', async () => {
  const { supervisor, host, clock } = supervise([{ ...application, instances: 2 }]);
  host.onStart = (program) => Object.assign(program, { hasNamedPipes: host.programs.length === 1 });
  supervisor.start();
  await clock.advance(2_000);
  assert.deepEqual(
    supervisor.detach().map(({ number }) => number),
    [2],
  );
  await clock.advance(2_000);
  assert.deepEqual(host.program(0).signals, []);
  await Promise.all([supervisor.stop(), clock.advance(100)]);
  assert.deepEqual([host.program(0).signals, host.program(1).signals], [['SIGTERM'], []]);
});

test('instances that were detached and rolled back are looked after as before', async () => {
  const { supervisor, host, clock, states } = supervise([application]);
  supervisor.start();
  await clock.advance(2_000);
  const records = supervisor.detach();
  host.earlier.set(1_000, host.program(0));
  supervisor.rollBack(records);
  supervisor.apply([application]);
  await clock.advance(2_000);
  assert.deepEqual([states(), host.programs.length], [['web/1 healthy'], 2]);
  host.program(1).end({ code: null });
  await clock.advance(2_000);
  assert.deepEqual([states(), host.programs.length], [['web/1 healthy'], 3]);
});
