import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApplicationEventKind, ApplicationProduct } from '../finding.ts';
import { LogExplainer } from '../log-explainer.ts';
import { applicationLogs, headOf } from './application.ts';
import { Summary } from '../summary.ts';

type Row = readonly [product: ApplicationProduct, kind: ApplicationEventKind | null, line: string, name?: string];

/** Lines as their programs write them, each with what it says happened. */
const dockerJson = (action: string, attributes = ''): string =>
  `{"Type":"container","Action":"${action}","Actor":{"ID":"3f2a","Attributes":{${attributes}"image":"shop","name":"web"}},"timeNano":1795262587123456789}`;

const rows: readonly Row[] = [
  ['docker', 'oom_kill', dockerJson('oom'), 'web'],
  ['docker', 'exit', dockerJson('die', '"exitCode":"0",'), 'web'],
  ['docker', 'crash', dockerJson('die', '"exitCode":"1",'), 'web'],
  ['docker', 'stop', dockerJson('stop'), 'web'],
  ['docker', 'start', dockerJson('start'), 'web'],
  ['systemd', 'crash', 'systemd[1]: shop.service: Main process exited, code=exited, status=1/FAILURE', 'shop.service'],
  [
    'systemd',
    'crash',
    'web1 systemd[1]: shop.service: Main process exited, code=killed, status=9/KILL',
    'shop.service',
  ],
  [
    'systemd',
    'oom_kill',
    'systemd: shop.service: A process of this unit has been killed by the OOM killer.',
    'shop.service',
  ],
  ['kernel', 'oom_kill', 'kernel: Memory cgroup out of memory: Killed process 77 (node) total-vm:1kB', 'node'],
  ['kubernetes', 'crash', 'Back-off restarting failed container app in pod web-1_default(a1b2)', 'web-1'],
  ['kubernetes', 'unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503'],
  [
    'php-fpm',
    null,
    '[21-Nov-2026 12:03:07] WARNING: [pool www] child 4242, script \'/srv/index.php\' (request: "GET /index.php") executing too slow (5.119 sec), logging',
  ],
  ['systemd', 'start', 'Nov 21 12:03:08 web systemd[1]: Started The shop of the example.', 'The shop of the example'],
  [
    'uwsgi',
    null,
    'HARAKIRI: --- uWSGI worker 1 (pid: 42) WAS managing request /slow since Sat Nov 21 12:02:36 2026 ---',
  ],
  ['nodejs', 'crash', '<--- Last few GCs --->'],
  ['kubernetes', 'oom_kill', '5s   Warning   OOMKilling   pod/shop-7d4b9c-x2x1z   Memory cgroup out of memory'],
  ['kubernetes', 'stop', '5s   Warning   Evicted   pod/shop-7d4b9c-x2x1z   The node was low on resource: memory.'],
  [
    'docker',
    'stop',
    '2026-11-21T12:03:07.123456789+01:00 container kill 3f2a3f2a3f2a3f2a (image=shop:1, name=web, signal=15)',
  ],
  [
    'kernel',
    'oom_kill',
    'Nov 21 12:03:07 web kernel: [81234.567890] Memory cgroup out of memory: Killed process 4242 (node) total-vm:1158420kB, anon-rss:515600kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:1840kB oom_score_adj:0',
    'node',
  ],
  [
    'kernel',
    'oom_kill',
    '[Sat Nov 21 12:03:07 2026] Out of memory: Killed process 812 (java) total-vm:9158420kB, anon-rss:7515600kB',
    'java',
  ],
  [
    'kernel',
    'oom_kill',
    '2026-11-21T12:03:07.123456+00:00 web kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=shop.service,mems_allowed=0,oom_memcg=/system.slice/shop.service,task_memcg=/system.slice/shop.service,task=node,pid=4242,uid=1000',
    '/system.slice/shop.service',
  ],
  [
    'kernel',
    null,
    'Nov 21 12:03:07 web kernel: node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
  ],
  [
    'kernel',
    'crash',
    'Nov 21 12:03:07 web kernel: php-fpm8.2[99]: segfault at 0 ip 000055d3 sp 00007ffd error 4 in php-fpm8.2[55d3]',
    'php-fpm8.2',
  ],
  ['kernel', 'crash', '[12.345678] traps: node[77] trap invalid opcode ip:55 sp:7f error:0', 'node'],
  [
    'systemd',
    'oom_kill',
    'Nov 21 12:03:07 web systemd[1]: shop.service: A process of this unit has been killed by the OOM killer.',
    'shop.service',
  ],
  [
    'systemd',
    'oom_kill',
    "Nov 21 12:03:07 web systemd[1]: shop.service: Failed with result 'oom-kill'.",
    'shop.service',
  ],
  [
    'systemd',
    'crash',
    'Nov 21 12:03:07 web systemd[1]: shop.service: Main process exited, code=killed, status=9/KILL',
    'shop.service',
  ],
  [
    'systemd',
    'crash',
    '2026-11-21T12:03:07+0100 web systemd[1]: shop.service: Main process exited, code=exited, status=1/FAILURE',
    'shop.service',
  ],
  [
    'systemd',
    'crash',
    'Nov 21 12:03:07 web systemd[1]: shop.service: Main process exited, code=exited, status=100/n/a',
    'shop.service',
  ],
  [
    'systemd',
    'exit',
    'Nov 21 12:03:07 web systemd[1]: shop.service: Main process exited, code=exited, status=0/SUCCESS',
  ],
  ['systemd', 'crash', "Nov 21 12:03:07 web systemd[1]: shop.service: Failed with result 'exit-code'."],
  ['systemd', 'crash', 'Nov 21 12:03:07 web systemd[1]: shop.service: Start request repeated too quickly.'],
  ['systemd', 'timeout', 'Nov 21 12:03:07 web systemd[1]: shop.service: Watchdog timeout (limit 30s)!'],
  [
    'systemd',
    'restart',
    'Nov 21 12:03:09 web systemd[1]: shop.service: Scheduled restart job, restart counter is at 1.',
  ],
  ['systemd', 'stop', 'Nov 21 12:03:07 web systemd[1]: Stopping shop.service - The shop...', 'shop.service'],
  ['systemd', 'stop', 'Nov 21 12:03:07 web systemd[1]: Stopping The shop of the example...', 'The shop of the example'],
  ['systemd', null, 'Nov 21 12:03:07 web systemd[1]: Stopped shop.service - The shop.'],
  ['systemd', 'start', 'Nov 21 12:03:08 web systemd[1]: Started shop.service - The shop.', 'shop.service'],
  ['systemd', null, 'Nov 21 12:03:07 web systemd[1]: shop.service: Deactivated successfully.'],
  [
    'php-fpm',
    'saturated',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] server reached pm.max_children setting (5), consider raising it',
    'www',
  ],
  [
    'php-fpm',
    'saturated',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] seems busy (you may need to increase pm.start_servers, or pm.min/max_spare_servers), spawning 8 children, there are 0 idle, and 10 total children',
  ],
  [
    'php-fpm',
    'timeout',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] child 4242, script \'/srv/index.php\' (request: "GET /index.php") execution timed out (30.119 sec), terminating',
  ],
  [
    'php-fpm',
    'timeout',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] child 4242 exited on signal 15 (SIGTERM) after 31.1 seconds from start',
  ],
  [
    'php-fpm',
    'crash',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] child 4242 exited on signal 11 (SIGSEGV - core dumped) after 1.123 seconds from start',
  ],
  [
    'php-fpm',
    'crash',
    '[21-Nov-2026 12:03:07] WARNING: [pool www] child 4242 exited on signal 9 (SIGKILL) after 1.123 seconds from start',
  ],
  ['php-fpm', null, '[21-Nov-2026 12:03:07] NOTICE: [pool www] child 4250 started'],
  ['php-fpm', null, '[21-Nov-2026 12:03:07] NOTICE: fpm is running, pid 1'],
  ['php-fpm', 'start', '[21-Nov-2026 12:03:07] NOTICE: ready to handle connections'],
  ['php-fpm', 'stop', '[21-Nov-2026 12:03:07] NOTICE: Terminating ...'],
  ['gunicorn', 'timeout', '[2026-11-21 12:03:07 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:42)', 'gunicorn'],
  [
    'gunicorn',
    'oom_kill',
    '[2026-11-21 12:03:08 +0000] [1] [ERROR] Worker (pid:42) was sent SIGKILL! Perhaps out of memory?',
  ],
  [
    'gunicorn',
    'oom_kill',
    '[2026-11-21 12:03:08 +0000] [1] [WARNING] Worker with pid 42 was terminated due to signal 9',
    'gunicorn',
  ],
  ['gunicorn', 'crash', '[2026-11-21 12:03:08 +0000] [1] [WARNING] Worker with pid 42 was terminated due to signal 11'],
  ['gunicorn', 'crash', '[2026-11-21 12:03:08 +0000] [1] [ERROR] Worker (pid:42) was sent SIGSEGV!'],
  ['gunicorn', 'crash', '[2026-11-21 12:03:08 +0000] [42] [ERROR] Exception in worker process'],
  ['gunicorn', 'stop', '[2026-11-21 12:03:08 +0000] [1] [INFO] Handling signal: term'],
  ['gunicorn', 'start', '[2026-11-21 12:03:08 +0000] [1] [INFO] Starting gunicorn 23.0.0'],
  ['gunicorn', null, '[2026-11-21 12:03:08 +0000] [7] [INFO] Booting worker with pid: 7'],
  [
    'gunicorn',
    'timeout',
    'Nov 21 12:03:07 web shop[1]: [2026-11-21 12:03:07 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:42)',
    'shop',
  ],
  ['uwsgi', 'timeout', 'Sat Nov 21 12:03:07 2026 - *** HARAKIRI ON WORKER 1 (pid: 42, try: 1) ***', 'uwsgi'],
  ['uwsgi', 'crash', 'DAMN ! worker 1 (pid: 42) died, killed by signal 9 :( trying respawn ...'],
  ['uwsgi', 'crash', 'DAMN ! worker 1 (pid: 42) died :( trying respawn ...'],
  [
    'uwsgi',
    'saturated',
    'Sat Nov 21 12:03:07 2026 - *** uWSGI listen queue of socket "127.0.0.1:3031" (fd: 3) full !!! (101/100) ***',
  ],
  ['uwsgi', 'stop', 'SIGINT/SIGTERM received...killing workers...'],
  ['uwsgi', 'start', '*** Starting uWSGI 2.0.28 (64bit) on [Sat Nov 21 12:03:07 2026] ***'],
  ['uwsgi', null, 'Respawned uWSGI worker 1 (new pid: 43)'],
  [
    'uwsgi',
    null,
    'SIGPIPE: writing to a closed pipe/socket/fd (probably the client disconnected) on request /report (ip 203.0.113.5) !!!',
  ],
  ['puma', 'timeout', '[1] ! Terminating timed out worker (Worker 0 failed to check in within 60 seconds): 42', 'puma'],
  ['puma', 'crash', '[1] ! Out-of-sync worker list, no 42 worker'],
  ['puma', 'stop', '[1] - Gracefully shutting down workers...'],
  ['puma', 'stop', '- Gracefully stopping, waiting for requests to finish'],
  ['puma', 'start', '[1] * Listening on http://0.0.0.0:3000'],
  ['puma', null, '[1] - Worker 0 (PID: 42) booted in 1.2s, phase: 0'],
  [
    'passenger',
    'saturated',
    '[ W 2026-11-21 12:03:07.1234 31/T1 age/Cor/Con/CheckoutSession.cpp:266 ]: [Client 1-2] Returning HTTP 503 due to: Request queue full',
  ],
  [
    'passenger',
    'crash',
    '[ E 2026-11-21 12:03:07.1234 31/T1 age/Cor/Con/CheckoutSession.cpp:281 ]: [Client 1-2] Cannot checkout session because a spawning error occurred. The identifier of the error is 3b.',
  ],
  ['nodejs', 'crash', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', 'node'],
  ['nodejs', 'crash', 'node:internal/process/promises:394'],
  ['nodejs', 'crash', "      throw er; // Unhandled 'error' event"],
  ['nodejs', 'crash', 'events.js:292'],
  ['nodejs', 'crash', 'internal/modules/cjs/loader.js:883'],
  ['nodejs', 'crash', '    throw new Error("boom")'],
  ['nodejs', 'crash', '        throw new TypeError(`no ${name}`);'],
  ['nodejs', 'crash', 'Nov 21 12:03:07 web shop[42]: Node.js v22.11.0', 'shop'],
  ['nodejs', 'crash', '[nodemon] app crashed - waiting for file changes before starting...'],
  ['nodejs', 'crash', 'PM2      | App [shop:0] exited with code [1] via signal [SIGINT]', 'shop'],
  ['nodejs', 'exit', 'PM2      | App [shop:0] exited with code [0] via signal [SIGINT]', 'shop'],
  ['nodejs', 'crash', 'Uncaught TypeError: Cannot read properties of undefined'],
  ['nodejs', 'crash', 'Error: listen EADDRINUSE: address already in use :::3000'],
  ['nodejs', 'dependency', 'Error: connect ECONNREFUSED 127.0.0.1:5432'],
  ['nodejs', 'dependency', '2026-11-21T12:03:07.000Z Error: connect ECONNREFUSED 10.0.0.9:6379'],
  ['nodejs', 'dependency', 'Error: getaddrinfo ENOTFOUND postgres'],
  ['jvm', 'crash', 'Exception in thread "http-nio-8080-exec-3" java.lang.OutOfMemoryError: Java heap space', 'java'],
  ['jvm', 'crash', 'Terminating due to java.lang.OutOfMemoryError: Java heap space'],
  ['jvm', 'crash', '# A fatal error has been detected by the Java Runtime Environment:'],
  ['jvm', 'crash', '# There is insufficient memory for the Java Runtime Environment to continue.'],
  ['jvm', null, '# /srv/hs_err_pid42.log'],
  [
    'kubernetes',
    'unhealthy',
    '2m14s       Warning   Unhealthy   pod/shop-7d4b9c-x2x1z   Readiness probe failed: HTTP probe failed with statuscode: 503',
    'shop-7d4b9c-x2x1z',
  ],
  [
    'kubernetes',
    'unhealthy',
    '  Warning  Unhealthy  12s (x3 over 32s)  kubelet  Liveness probe failed: Get "http://10.0.0.5:3000/health": context deadline exceeded',
  ],
  [
    'kubernetes',
    'crash',
    '5s   Warning   BackOff   pod/shop-7d4b9c-x2x1z   Back-off restarting failed container shop in pod shop-7d4b9c-x2x1z_default(1b)',
    'shop-7d4b9c-x2x1z',
  ],
  ['kubernetes', 'stop', '5s   Normal   Killing   pod/shop-7d4b9c-x2x1z   Stopping container shop', 'shop'],
  ['kubernetes', 'oom_kill', '      Reason:       OOMKilled'],
  ['kubernetes', 'oom_kill', 'shop-7d4b9c-x2x1z   0/1     OOMKilled   3 (20s ago)   5m', 'shop-7d4b9c-x2x1z'],
  ['kubernetes', 'crash', 'shop-7d4b9c-x2x1z   0/1     CrashLoopBackOff   3 (20s ago)   5m'],
  [
    'docker',
    'oom_kill',
    '2026-11-21T12:03:07.123456789+01:00 container oom 3f2a3f2a3f2a3f2a (image=shop:1, name=web)',
    'web',
  ],
  [
    'docker',
    'crash',
    '2026-11-21T12:03:07.123456789+01:00 container die 3f2a3f2a3f2a3f2a (execDuration=31, exitCode=137, image=shop:1, name=web)',
    'web',
  ],
  [
    'docker',
    'crash',
    '2026-11-21T12:03:07.123456789+01:00 container die 3f2a3f2a3f2a3f2a (execDuration=31, exitCode=1, image=shop:1, name=web)',
    'web',
  ],
  [
    'docker',
    'exit',
    '2026-11-21T12:03:07.123456789+01:00 container die 3f2a3f2a3f2a3f2a (execDuration=31, exitCode=0, image=shop:1, name=web)',
  ],
  ['docker', 'stop', '2026-11-21T12:03:07.123456789+01:00 container stop 3f2a3f2a3f2a3f2a (image=shop:1, name=web)'],
  ['docker', 'start', '2026-11-21T12:03:07.123456789+01:00 container start 3f2a3f2a3f2a3f2a (image=shop:1, name=web)'],
  [
    'docker',
    'crash',
    '{"status":"die","id":"3f2a","from":"shop","Type":"container","Action":"die","Actor":{"ID":"3f2a","Attributes":{"exitCode":"137","image":"shop","name":"web"}},"scope":"local","time":1795262587,"timeNano":1795262587123456789}',
    'web',
  ],
];

describe('a line of the application’s side is an event, and no failure of a gateway', () => {
  for (const [product, kind, line, name] of rows)
    it(`${product}, ${kind ?? 'nothing wrong'}: ${line.slice(0, 90)}`, () => {
      const found = new LogExplainer().read(line);
      assert.deepEqual([found?.gateway, found?.kind], [product, 'event'], JSON.stringify(found));
      const summary = new Summary();
      summary.add(found, line);
      const { failures, unclear, events } = summary.report();
      assert.deepEqual([failures, unclear, events.length], [0, 0, kind === null ? 0 : 1]);
      assert.equal(found?.application?.kind ?? null, kind);
      assert.doesNotMatch(found?.sentence ?? '', /[{}]|\(\)|undefined/);
      if (name !== undefined)
        assert.ok(found?.application?.names.includes(name), found?.application?.names.join() ?? line);
    });

  it('and each message in the tables has a row', () => {
    const untested = applicationLogs.flatMap(({ product, rules }) =>
      rules
        .filter(({ form }) => rows.every((row) => !form.test(headOf(row[2]).message)))
        .map(({ form }) => `${product} ${form.source.slice(0, 80)}`),
    );
    assert.deepEqual(untested, []);
  });
});

const at = Date.UTC(2026, 10, 21, 12, 3, 7);

const times: readonly (readonly [line: string, clock: string, timeMs: number | null, message: string])[] = [
  ['2026-11-21T12:03:07Z host kernel: x y', 'full', at, 'x y'],
  ['2026-11-21T13:03:07.000000+01:00 host kernel: [1.5] x y', 'full', at, 'x y'],
  ['Nov 21 12:03:07 host kernel: [    1.500000] x y', 'no_year', Date.UTC(1972, 10, 21, 12, 3, 7), 'x y'],
  ['<4>Nov  1 12:03:07 host app[1]: x y', 'no_year', Date.UTC(1972, 10, 1, 12, 3, 7), 'x y'],
  ['[Sat Nov 21 12:03:07 2026] x y', 'no_zone', at, 'x y'],
  ['[21-Nov-2026 12:03:07] x y', 'no_zone', at, 'x y'],
  ['Sat Nov 21 12:03:07 2026 - x y', 'no_zone', at, 'x y'],
  ['[2026-11-21 12:03:07 +0000] [1] x y', 'full', at, '[1] x y'],
  ['Nov 21 12:03:07 host app[1]: [2026-11-21 12:03:07 +0000] x y', 'full', at, 'x y'],
  ['[12.345678] x y', 'none', null, 'x y'],
  ['x y', 'none', null, 'x y'],
];

describe('the time of a line', () => {
  for (const [line, clock, timeMs, message] of times)
    it(`is understood: ${line}`, () => {
      const head = headOf(line);
      assert.deepEqual([head.clock, head.timeMs, head.message], [clock, timeMs, message]);
    });
});
