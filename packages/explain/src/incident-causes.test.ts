import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clockOf } from './log-clock.ts';
import { LogExplainer } from './log-explainer.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

const refused = 'connect() failed (111: Connection refused) while connecting to upstream';
const reset = 'recv() failed (104: Connection reset by peer) while reading response header from upstream';
const timedOut = 'upstream timed out (110: Connection timed out) while reading response header from upstream';

/** Six failures of nginx from 10:10:00 to 10:10:05, at an upstream. */
function failures(upstream: string, { words = refused, prefix = '' }: Failures = {}): string {
  const lines = Array.from(
    { length: 6 },
    (_, i) =>
      `${prefix}2026/11/21 10:10:0${i} [error] 8#8: *${i} ${words}, client: 203.0.113.${i}, server: shop.example, request: "GET /cart HTTP/1.1", upstream: "${upstream}", host: "shop.example"`,
  );
  return lines.join('\n');
}

interface Failures {
  readonly words?: string;
  readonly prefix?: string;
}

function reportOf(logs: readonly string[]): SummaryReport {
  const summary = new Summary({ clock: clockOf(logs, null) });
  for (const [index, log] of logs.entries()) {
    const file = summary.open(`log ${index + 1}`);
    const explainer = new LogExplainer();
    for (const line of log.split('\n')) summary.add(explainer.read(line), line, file);
  }
  return summary.report();
}

const local = 'http://127.0.0.1:3000/cart';
const syslog = (message: string, host = 'edge1'): string => `Nov 21 10:09:59 ${host} ${message}`;
const stopping = (unit: string): string => syslog(`systemd[1]: Stopping ${unit} - Some words...`);
const killed = (process: string, host?: string): string =>
  syslog(`kernel: Out of memory: Killed process 77 (${process}) total-vm:1923456kB, anon-rss:1048576kB`, host);
const gunicorn = (message: string, level = 'ERROR'): string => `[2026-11-21 10:09:59 +0000] [7] [${level}] ${message}`;
const ofEdge1 = { prefix: 'Nov 21 10:10:00 edge1 nginx[812]: ' };

type Row = readonly [why: string, gateway: string, application: string, cause: string | null];

const certain: readonly Row[] = [
  [
    'the host of the upstream has the name of the unit',
    failures('http://shop:3000/'),
    stopping('shop.service'),
    'stop',
  ],
  [
    'a socket has the name of the pool',
    failures('fastcgi://unix:/run/php/php8.2-fpm-shop.sock:', { words: reset }),
    '[21-Nov-2026 10:09:58] WARNING: [pool shop] child 42 exited on signal 11 (SIGSEGV) after 1.1 seconds from start',
    'crash',
  ],
  [
    'a socket has the name of the runtime alone',
    failures('fastcgi://unix:/run/php/php8.2-fpm.sock:'),
    stopping('php8.2-fpm.service'),
    'stop',
  ],
  [
    'the host of the upstream has the name of the container',
    failures('http://web:3000/'),
    '2026-11-21T10:09:59.123456789Z container die 3f2a3f2a3f2a3f2a (exitCode=1, image=x, name=shop-web-1)',
    'crash',
  ],
  [
    'the log of the application names the port',
    failures(local),
    `${gunicorn('Listening at: http://0.0.0.0:3000 (7)', 'INFO')}\n${gunicorn('Handling signal: term', 'INFO')}`,
    'stop',
  ],
  [
    'the log of the application names the socket',
    failures('http://unix:/run/gu.sock:/cart'),
    `${gunicorn('Listening at: unix:/run/gu.sock (7)', 'INFO')}\n${gunicorn('Handling signal: term', 'INFO')}`,
    'stop',
  ],
  [
    'another unit ended in a surer way at that time',
    failures('http://shop:3000/'),
    `${killed('stress')}\n${stopping('shop.service')}`,
    'stop',
  ],
];

const likely: readonly Row[] = [
  ['the site has the name of the unit', failures(local), stopping('shop.service'), 'stop'],
  [
    'the site has the name of the control group',
    failures(local),
    syslog(
      'kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/system.slice/shop.service,task=node,pid=4120,uid=998',
    ),
    'oom_kill',
  ],
];

const possible: readonly Row[] = [
  ['the gateway itself', failures(local), stopping('nginx.service'), 'stop'],
  ['a unit of the system', failures(local), stopping('cups.service'), 'stop'],
  ['a logout', failures(local), stopping('user@1000.service'), 'stop'],
  [
    'a backup',
    failures(local),
    syslog('systemd[1]: backup.service: Main process exited, code=exited, status=1/FAILURE'),
    'crash',
  ],
  ['php-fpm behind HTTP', failures(local), '[21-Nov-2026 10:09:59] NOTICE: Terminating ...', 'stop'],
  ['a program without a name in common', failures(local), killed('java'), 'oom_kill'],
  ['a unit of another name', failures('http://pay:3000/'), stopping('shop.service'), 'stop'],
  [
    'another pool of php-fpm',
    failures('fastcgi://unix:/run/php/php8.2-fpm-shop.sock:'),
    syslog(
      'php-fpm[9]: [21-Nov-2026 10:09:58] WARNING: [pool blog] server reached pm.max_children setting (5), consider raising it',
    ),
    'saturated',
  ],
  [
    'another port',
    failures(local),
    `${gunicorn('Listening at: http://0.0.0.0:8000 (7)', 'INFO')}\n${gunicorn('Handling signal: term', 'INFO')}`,
    'stop',
  ],
  ['a host whose name the gateway’s log does not tell', failures(local), killed('java', 'other9'), 'oom_kill'],
  [
    'a worker that took too long',
    failures(local, { words: timedOut }),
    gunicorn('WORKER TIMEOUT (pid:42)', 'CRITICAL'),
    'timeout',
  ],
];

const none: readonly Row[] = [
  [
    'one worker of several, for refused connections',
    failures(local),
    gunicorn('Worker (pid:42) was sent SIGSEGV!'),
    null,
  ],
  ['a kill on another host, for an upstream on this one', failures(local, ofEdge1), killed('java', 'other9'), null],
  ['a reload of the gateway', failures(local), syslog('systemd[1]: Reloading nginx.service - A server...'), null],
];

describe('an event of the application’s side is', () => {
  for (const [confidence, rows] of Object.entries({ certain, likely, possible, none }))
    for (const [why, gateway, application, kind] of rows)
      it(`${confidence === 'none' ? 'no cause' : `a ${confidence} cause`}: ${why}`, () => {
        const [incident] = reportOf([gateway, application]).incidents;
        const cause = incident?.cause ?? null;
        const found = [cause?.confidence ?? 'none', cause?.kind ?? null];
        assert.deepEqual(found, [confidence, kind], JSON.stringify(cause));
      });

  it('a certain cause of the kernel’s if the application’s log names the same process', () => {
    const application = [
      gunicorn('Listening at: http://0.0.0.0:3000 (7)', 'INFO'),
      gunicorn('Worker (pid:77) was sent SIGKILL! Perhaps out of memory?'),
    ].join('\n');
    for (const [process, source] of [
      ['77', 'kernel'],
      ['78', 'gunicorn'],
    ] as const) {
      const kernel = killed('shopd').replace('process 77', `process ${process}`);
      const [incident] = reportOf([failures(local, { words: reset }), application, kernel]).incidents;
      assert.deepEqual([incident?.cause?.source, incident?.cause?.confidence], [source, 'certain']);
    }
  });

  it('a possible cause on the gateway’s host, with or without its domain', () => {
    const [incident] = reportOf([failures(local, ofEdge1), killed('java', 'edge1.example.org')]).incidents;
    assert.equal(incident?.cause?.confidence, 'possible');
  });
});

const suspicions: readonly (readonly [application: string, names: readonly string[]])[] = [
  [stopping('shop.service'), []],
  [stopping('cups.service'), ['wrong_address_or_port']],
];

describe('a wrong address is suspected unless an application is known to have ended there', () => {
  for (const [application, names] of suspicions)
    it(application, () => {
      const { suspects } = reportOf([failures(local), application]);
      assert.deepEqual(
        suspects.map(({ name }) => name),
        names,
      );
    });
});

const kills: readonly (readonly [why: string, lines: readonly string[], kind: string])[] = [
  [
    'gunicorn kills a worker that took too long',
    [
      gunicorn('WORKER TIMEOUT (pid:42)', 'CRITICAL'),
      gunicorn('Worker (pid:42) was sent SIGKILL! Perhaps out of memory?'),
    ],
    'timeout',
  ],
  [
    'gunicorn kills one worker, and the system another',
    [
      gunicorn('WORKER TIMEOUT (pid:41)', 'CRITICAL'),
      gunicorn('Worker (pid:42) was sent SIGKILL! Perhaps out of memory?'),
    ],
    'oom_kill',
  ],
  [
    'uWSGI kills a worker that took too long',
    [
      'Sat Nov 21 10:09:58 2026 - *** HARAKIRI ON WORKER 1 (pid: 42, try: 1) ***',
      'Sat Nov 21 10:09:59 2026 - DAMN ! worker 1 (pid: 42) died, killed by signal 9 :( trying respawn ...',
    ],
    'timeout',
  ],
];

describe('the kill of a worker is a timeout if its time had run out', () => {
  for (const [why, lines, kind] of kills)
    it(why, () => {
      const report = reportOf([failures(local, { words: reset }), lines.join('\n')]);
      assert.equal(report.incidents[0]?.cause?.kind, kind);
      const kill = report.events.find(({ sentence }) => /had run out/.test(sentence));
      assert.equal(kill === undefined ? 'oom_kill' : 'timeout', kind);
    });
});
