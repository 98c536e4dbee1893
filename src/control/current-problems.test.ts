import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Event, EventKind, NewEvent } from '../core/event.ts';
import type { StoreFault } from '../core/store-fault.ts';
import type { Instant } from '../core/time.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import type { InstanceStatus } from '../core/schemas/status.ts';
import { type ProblemContext, CurrentProblems } from './current-problems.ts';

const healthy: ProblemContext = {
  wanted: 1,
  workers: [{ id: 1, state: 'serving' }],
  applications: [],
  logPath: '/var/log/x.log',
};

describe('the current problems of a gateway', () => {
  let clock: SimulatedClock;
  let problems: CurrentProblems;
  let dropped: number;

  beforeEach(() => {
    clock = new SimulatedClock();
    dropped = 0;
    const reports = { refusals: [], descriptors: null, recentHttp2Limits: null };
    problems = new CurrentProblems(clock, () => dropped, { reports, upstreamWatch });
  });

  const upstreamWatch = { unavailableSince: (upstream: string) => (upstream === 'sock' ? (0 as Instant) : null) };

  test('count the time without an endpoint from its beginning, not from the report of it', () => {
    clock.advanceSync(62_000);
    for (const upstream of ['sock', 'other']) {
      const evidence = { upstream, application: null, endpoints: 1, fix: null };
      const reason = `the only endpoint of upstream ${upstream} is not available`;
      hear({ kind: 'upstream_unavailable', subject: `upstream:${upstream}`, to: 'unavailable', reason, evidence });
    }
    clock.advanceSync(2000);
    assert.deepEqual(
      told().map((one) => one.split(':')[0]),
      ['upstream_unavailable for 64 s', 'upstream_unavailable for 2 s'],
    );
  });

  const hear = <K extends EventKind>(event: NewEvent<K>): void => problems.onEvent(event as unknown as Event);
  const told = (context: Partial<ProblemContext> = {}): string[] =>
    problems
      .list({ ...healthy, ...context })
      .map(({ kind, sinceS, reason: says }) => `${kind} for ${sinceS} s: ${says}`);

  const log = (
    to: 'failing' | 'writing',
    count: number,
    { what = '/var/log/x.log', errno = 'ENOSPC' }: { what?: string; errno?: string | null } = {},
  ): void => {
    dropped += count;
    const evidence = { what, count, errno };
    hear({ kind: 'log_dropped', subject: 'log', reason: '', to, evidence });
  };
  const descriptors = (to: 'scarce' | 'enough'): void => {
    const evidence = { limit: 1024, needed: 2000, wanted: 2000, open: 1000, closed: 0, refused: 0 };
    hear({ kind: 'descriptors_exhausted', subject: 'gateway', to, reason: 'hardly any descriptor was left', evidence });
  };

  test('include a wall clock that has moved, for an hour', () => {
    const reason = 'the clock of the machine moved from 09:01:05 to 12:01:05, forward by 3 h 0 min';
    const evidence = { was: '2026-01-01T09:01:05Z', is: '2026-01-01T12:01:05Z', movedMs: 10_800_000 };
    hear({ kind: 'clock_changed', subject: 'gateway', reason, evidence });
    clock.advanceSync(60_000);
    assert.deepEqual(told(), [`clock_changed for 60 s: T${reason.slice(1)}.`]);
    clock.advanceSync(3_540_000);
    assert.deepEqual(told(), []);
  });

  test('include a dependency from the first check that found it so, until it works or is no dependency any more', () => {
    const says = (to: 'up' | 'degraded' | 'down' | 'removed', sinceMs: number, dependents: readonly string[] = []) => {
      const facts = { dependency: 'db', type: 'postgres', address: '', fault: null, then: '', otherMs: null };
      const evidence = { ...facts, dependents, sinceMs, fix: 'Start it.' };
      const reason = `db (postgres://127.0.0.1:5432) is ${to}`;
      hear({ kind: 'dependency_state', subject: 'dependency:db', to, reason, evidence });
    };
    clock.advanceSync(10_000);
    says('degraded', 1000);
    assert.deepEqual(told(), [
      'dependency_failing for 1 s: The dependency db (postgres://127.0.0.1:5432) is degraded.',
    ]);
    clock.advanceSync(5000);
    says('down', 2000, ['shop', 'blog']);
    const [problem] = problems.list(healthy);
    assert.deepEqual(
      [problem?.sinceS, problem?.reason, problem?.nextStep],
      [6, 'The dependency db (postgres://127.0.0.1:5432) is down; needed by shop, blog.', 'Start it.'],
    );
    says('up', 0);
    assert.deepEqual(told(), []);
    says('down', 0);
    says('removed', 0);
    assert.deepEqual(told(), []);
  });

  test('are none at first', () => assert.deepEqual(told(), []));

  test('include an application that prints too fast, while lines of it are left out, and only with a store', () => {
    const since = clock.now();
    clock.advanceSync(90_000);
    const leftOut = [
      { application: 'web', lines: 1200, recentLines: 300, since, lastAt: clock.now() },
      { application: 'pay', lines: 5, recentLines: 0, since, lastAt: since },
    ];
    assert.deepEqual(told({ leftOut }), []);
    assert.deepEqual(told({ leftOut, storePath: '/tmp/store' }), [
      'output_left_out for 90 s: web prints too fast: 300 lines were left out of the store in the last minute, 1200 since the start of the gateway; 64 KiB a second are stored of each application.',
    ]);
  });

  for (const [fault, step] of [
    ['full', /df -h \/tmp/],
    ['not_permitted', /`ls -ld \/tmp`\), or set `store\.path` to/],
    ['locked', /fuser -v \/tmp/],
    ['descriptors_exhausted', /LimitNOFILE=4000 in the unit .*; what is lost/],
    ['io', /dmesg/],
  ] as const)
    test(`include a store that fails (${fault}), with a step that fits the cause, until it is written again`, () => {
      const tell = (to: 'failing' | 'storing', what: StoreFault | null): void =>
        hear({
          kind: 'store_failing',
          subject: 'store',
          reason: '',
          to,
          evidence: { path: '/tmp', fault: what, limit: 2000, needed: 1000 },
        });
      tell('failing', fault);
      const [problem] = problems.list({ ...healthy, storePath: '/tmp' });
      assert.equal(problem?.kind, 'store_failing');
      assert.match(problem.nextStep, step);
      assert.equal(/df -h/.test(problem.nextStep), fault === 'full' || fault === 'not_permitted');
      const { sinceS } = problem;
      clock.advanceSync(5000);
      tell('failing', 'other');
      assert.equal(problems.list({ ...healthy, storePath: '/tmp' })[0]?.sinceS, sinceS + 5, 'since the first fault');
      tell('storing', null);
      assert.deepEqual(told({ storePath: '/tmp' }), []);
    });

  test('lead to the nearest folder that is there, where that of the store could not be made', () => {
    const path = '/tmp/candor-absent/store';
    const evidence = { path, fault: 'not_permitted', limit: null, needed: null } as const;
    hear({ kind: 'store_failing', subject: 'store', reason: '', to: 'failing', evidence });
    const [problem] = problems.list({ ...healthy, storePath: path });
    assert.match(problem?.nextStep ?? '', /`df -h \/tmp`, `ls -ld \/tmp`/);
  });

  test('say that no worker serves after a loss: clients are refused', () => {
    const none = { wanted: 1, workers: [{ id: 1, state: 'lost' }] };
    assert.equal(problems.refusal(none), null, 'it starts');
    hear({
      ...{ kind: 'worker_lost', subject: 'worker:1', reason: '' },
      evidence: { reason: '', exchangesLost: 0, unreadConnections: null, error: null, code: null },
    });
    assert.match(problems.refusal(none) ?? '', /^no worker serves/);
    assert.equal(problems.refusal({ ...none, wanted: 0 }), null, 'it stops');
    assert.equal(problems.refusal(healthy), null);
  });

  test('include a refused configuration with its first error, until one is applied', () => {
    const refuseFile = (...errors: string[]): void =>
      hear({
        ...{ kind: 'configuration_rejected', subject: 'gateway', reason: '' },
        evidence: { source: '/etc/candor.yaml', errors },
      });
    refuseFile('candor.yaml:1:1: unknown key "routs" (did you mean "routes"?)', 'candor.yaml:2:1: and so on');
    clock.advanceSync(7000);
    refuseFile('candor.yaml:4:2: no such file.');
    assert.deepEqual(told(), [
      'configuration_refused for 7 s: /etc/candor.yaml was refused, and an earlier configuration is active: candor.yaml:4:2: no such file.',
    ]);
    hear({
      ...{ kind: 'configuration_applied', subject: 'gateway', reason: '' },
      evidence: { contentHash: '', source: '/etc/candor.yaml', changed: [] },
    });
    assert.deepEqual(told(), []);
  });

  test('include a log that fails, until it is written again, and a minute longer if lines were lost', () => {
    log('failing', 3);
    clock.advanceSync(90_000);
    assert.deepEqual(told(), [
      'log_failing for 90 s: The log /var/log/x.log cannot be written (ENOSPC); no lines were lost in the last minute.',
    ]);
    log('writing', 4);
    assert.match(told().join(), /for 90 s: The log \S+ is written again; 4 lines were lost in the last minute/);
    assert.deepEqual(told({ logPath: '/elsewhere.log' }), []);
    clock.advanceSync(60_000);
    assert.deepEqual(told(), []);
  });

  test('include each line that the log has lost, before an event reports it', () => {
    log('failing', 1);
    for (let s = 1; s <= 9; s++) {
      clock.advanceSync(1000);
      dropped += 100;
      problems.onWorkerCounts({ worker: 1, shedding: 0 });
      assert.match(told().join(), new RegExp(`for ${s} s: .*; ${1 + s * 100} lines were lost in the last minute`));
    }
    log('writing', 0);
    clock.advanceSync(55_000);
    assert.match(told().join(), /; 500 lines were lost in the last minute/);
    clock.advanceSync(5_000);
    assert.deepEqual(told(), []);
  });

  test('include what another log has lost only while that log is in use', () => {
    log('failing', 7);
    log('failing', 1, { what: '/var/log/y.log' });
    assert.deepEqual(told(), []);
    assert.match(told({ logPath: '/var/log/y.log' }).join(), /y\.log cannot be written \(ENOSPC\); 1 line was lost/);
  });

  const pipes: readonly (readonly [what: string, errno: string | null, says: RegExp, step: RegExp])[] = [
    [
      '-',
      null,
      /^The log on standard output cannot be written fast enough; /,
      /the program that reads the standard output/,
    ],
    [
      '-',
      'EPIPE',
      /^The log on standard output is a pipe that no program reads/,
      /the program that reads the standard/,
    ],
    ['-', 'ENOSPC', /^The log on standard output cannot be written \(ENOSPC\)/, /df -h/],
    [
      '/run/pipe',
      'EAGAIN',
      /^The log \/run\/pipe is a pipe that its reader does not read fast enough/,
      /fuser -v \/run\/pipe/,
    ],
    ['/run/pipe', 'EPIPE', /^The log \/run\/pipe is a pipe that no program reads/, /the program that reads the pipe/],
    ['/var/log/x.log', null, /^The log \/var\/log\/x\.log cannot be written fast enough/, /df -h/],
    ['logger', 'ENOENT', /^The log logger cannot be written \(ENOENT\)/, /whether a syslogd runs on this machine/],
  ];
  for (const [what, errno, says, step] of pipes) {
    test(`say what a log needs: ${what} fails with ${errno ?? 'no errno'}`, () => {
      log('failing', 1, { what, errno });
      const [problem] = problems.list({ ...healthy, logPath: what });
      assert.match(problem?.reason ?? '', says);
      assert.match(problem?.nextStep ?? '', step);
    });
  }

  test('include scarce descriptors, until there are enough', () => {
    descriptors('scarce');
    clock.advanceSync(5000);
    assert.deepEqual(told(), ['descriptors_scarce for 5 s: Hardly any descriptor was left.']);
    descriptors('enough');
    assert.deepEqual(told(), []);
  });

  test('include a worker that sheds, until it stops shedding or is gone', () => {
    problems.onWorkerCounts({ worker: 1, shedding: 1 });
    clock.advanceSync(2000);
    problems.onWorkerCounts({ worker: 1, shedding: 1 });
    assert.match(told().join(), /^worker_sheds for 2 s: Worker 1 has hardly any memory left/);
    assert.deepEqual(told({ workers: [{ id: 2, state: 'serving' }] }), []);
    problems.onWorkerCounts({ worker: 1, shedding: 0 });
    assert.deepEqual(told(), []);
  });

  test('include a new instance that was reported not to be ready while the old one serves, until it is', () => {
    const instance = (number: number, phase: 'ready' | 'starting', more: object = {}): InstanceStatus =>
      ({ id: `web/${number}`, phase, reason: '', restarts: 0, earlierCommand: null, ...more }) as InstanceStatus;
    const starting = instance(2, 'starting', {
      reason: 'starting: GET / answered 500: read in its output why it fails',
    });
    const applications = [
      { id: 'web', command: ['b'], instances: [instance(1, 'ready', { earlierCommand: ['a'] }), starting] },
    ] as unknown as ProblemContext['applications'];
    const subject = 'instance:web/2';
    assert.deepEqual(told({ applications }), [], 'it has only begun');
    const evidence = { attempts: 9, last: '', fix: null };
    hear({ kind: 'instance_not_ready', subject, reason: '', from: 'starting', to: 'starting', evidence });
    clock.advanceSync(2000);
    assert.deepEqual(told({ applications }), [
      'replacement_failing for 2 s: web: the new instance web/2 is not ready yet: GET / answered 500: read in its output why it fails; web/1 of the earlier configuration serves.',
    ]);
    assert.equal(problems.list({ ...healthy, applications })[0]?.application, 'web');
    hear({ kind: 'instance_ready', subject, reason: '', from: 'starting', to: 'ready' } as never);
    assert.deepEqual(told({ applications }), []);
  });

  test('count the time of a new instance that fails from its first failure, not from the configuration', () => {
    const instances = [
      { id: 'web/1', phase: 'ready', reason: '', restarts: 0, earlierCommand: ['a'] },
      { id: 'web/2', phase: 'backing_off', reason: 'exited with code 1', restarts: 3, earlierCommand: null },
    ];
    const applications = [{ id: 'web', command: ['b'], instances }] as unknown as ProblemContext['applications'];
    problems.useInstances(instances);
    clock.advanceSync(600_000);
    const subject = 'instance:web/2';
    for (const kind of ['instance_not_started', 'instance_not_started']) {
      hear({ kind, subject, reason: '', from: 'starting', to: 'exited', evidence: {} } as never);
      clock.advanceSync(3000);
    }
    assert.match(
      told({ applications }).join(),
      /^replacement_failing for 6 s: web: the new instance web\/2 is not ready/,
    );
    problems.useInstances([]);
    assert.match(told({ applications }).join(), /^replacement_failing for 606 s/, 'it is forgotten with its instance');
  });

  test('include workers that end again and again, although each is replaced, until they run on', () => {
    const tell = (to: 'failing' | 'stable', lost: number): void =>
      hear({
        ...{
          kind: 'workers_failing',
          subject: 'gateway',
          to,
          reason: '',
        },
        evidence: { lost, lastedMs: 1500, serving: 0, wanted: 1, why: 'it threw Error' },
      });
    tell('failing', 3);
    clock.advanceSync(5000);
    tell('failing', 6);
    assert.deepEqual(
      told(),
      [
        'workers_failing for 5 s: 6 workers had to be replaced within 1 min; 1 of 1 serve now; the last one: it threw Error.',
      ],
      'how many serve is no fact of the event',
    );
    assert.match(problems.list(healthy)[0]?.nextStep ?? '', /worker_lost/);
    tell('stable', 6);
    assert.deepEqual(told(), []);
  });

  test('include a worker that was lost, with its requests, for a minute, although its replacement serves', () => {
    const lose = (exchangesLost: number): void =>
      hear({
        ...{ kind: 'worker_lost', subject: 'worker:2', reason: '', worker: 2 },
        evidence: { reason: 'it threw Error', exchangesLost, unreadConnections: null, error: null, code: null },
      });
    lose(93);
    clock.advanceSync(20_000);
    assert.deepEqual(told(), [
      'worker_lost for 20 s: A worker was lost 20 s ago, with 93 requests, which failed without a record: it threw Error.',
    ]);
    assert.deepEqual(told({ wanted: 0 }), [], 'the gateway stops');
    lose(0);
    clock.advanceSync(1000);
    assert.deepEqual(told(), [
      'worker_lost for 21 s: 2 workers were lost in the last minute, the last one a moment ago, with 93 requests, which failed without a record: it threw Error.',
    ]);
    problems.onWorkerCounts({ worker: 3, shedding: 0 });
    clock.advanceSync(61_000);
    assert.deepEqual(told(), []);
    lose(1);
    assert.match(told().join(), /^worker_lost for 0 s: A worker was lost a moment ago, with 1 request, /);
  });

  test('include a worker that does not answer, for as long as it does not', () => {
    const workers = (isSilent: boolean) => [{ id: 3, state: 'serving', isSilent }];
    const silent = (): void =>
      hear({
        ...{ kind: 'worker_silent', subject: 'worker:3', reason: '', worker: 3 },
        evidence: { silentMs: 250, standIn: 4 },
      });
    silent();
    clock.advanceSync(2000);
    const expected = 'Worker 3 does not answer: its requests wait.';
    assert.deepEqual(told({ workers: workers(true) }), [`worker_silent for 2 s: ${expected}`]);
    assert.deepEqual(told({ workers: workers(false) }), []);
    silent();
    assert.deepEqual(told({ workers: workers(true) }), [`worker_silent for 0 s: ${expected}`]);
  });

  test('include workers that are missing after a loss', () => {
    const workers = [
      { id: 1, state: 'serving' },
      { id: 2, state: 'lost' },
    ];
    assert.deepEqual(told({ wanted: 2, workers }), [], 'a worker that starts for the first time is not missing');
    const evidence = { reason: 'it threw Error', exchangesLost: 0, unreadConnections: null, error: null, code: null };
    hear({ kind: 'worker_lost', subject: 'worker:2', reason: '', worker: 2, evidence });
    clock.advanceSync(1000);
    assert.match(told({ wanted: 2, workers }).join(), /^workers_missing for 1 s: 1 of 2 workers serve: /);
    assert.match(
      told({ wanted: 2, workers: [...workers, { id: 3, state: 'serving' }] }).join(),
      /^worker_lost for 1 s: A worker was lost a moment ago, with no request: it threw Error\.$/,
    );
  });
});
