import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verdictOf } from '../../src/diagnose/record-verdict.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { InstanceStatus } from '../../src/core/schemas/status.ts';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { undisturbed } from '../undisturbed.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { timeoutMs, requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Applications run as processes. The gateway routes nothing to them before they are ready, and its answers name their exits.

let edge: YamlGateway;

type RecordedExit = NonNullable<ExchangeRecord['attempts'][number]['exit']>;
afterEach(() => edge.stop());

const program = join(import.meta.dirname, 'fixtures', 'mortal-application.mjs');

function application(more = ''): string {
  return `
disclosure: operator
applications:
  shop:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /healthz, interval: 50ms, passes: 2 }
    restart: { first_delay: 400ms }
${more}`;
}

function instance(): InstanceStatus {
  const found = edge.gateway.status().applications[0]?.instances[0];
  assert.ok(found !== undefined);
  return found;
}

const ready = (): Promise<void> => until('the instance is ready', () => instance().phase === 'ready');

const post = (path: string): Promise<RawResponse> =>
  edge.send(requestText('POST', path, ['Accept: application/json', 'Content-Length: 0']));

const json = (path: string): Promise<RawResponse> => edge.get(path, ['Accept: application/json']);

/**
 * Makes an instance exit until a record names the exit. The answer waits only briefly for the report of an exit. On a busy
 * machine the system may report an exit later than that; the next exit is tried then.
 */
async function named(die: () => Promise<RawResponse>): Promise<[RawResponse, ExchangeRecord, RecordedExit]> {
  for (let death = 0; death < 4; death++) {
    await until('it serves', async () => (await edge.get('/')).status === 200, 30_000);
    const response = await die();
    const record = await edge.record(response);
    const exit = record.attempts.at(-1)?.exit ?? null;
    // An exit that became known after the answer is not in it.
    if (exit !== null && (exit.after_answer_ms ?? 0) <= 0) return [response, record, exit];
  }
  assert.fail('no record of four exits names its exit');
}

function problemOf(response: RawResponse): Record<string, unknown> {
  return JSON.parse(response.body.toString()) as Record<string, unknown>;
}

test('the gateway does not check the readiness of an application whose requests are answered', async () => {
  const counting = `let checks = 0; require('node:http').createServer((request, answer) => {
    if (request.headers['user-agent'] === 'readiness-check') checks += 1;
    answer.end(String(checks));
  }).listen(Number(process.env.PORT), '127.0.0.1');`;
  edge = await startFromYaml(
    `applications: { shop: { command: ${JSON.stringify([process.execPath, '-e', counting])} } }\n`,
  );
  await ready();
  const checks = async (): Promise<number> => Number((await edge.get('/')).body.toString());
  const before = await checks();
  const end = performance.now() + 4_000;
  let last = before;
  while (performance.now() < end) {
    last = await checks();
    await sleep(200);
  }
  // One check may have been due before the gateway knew of the first request. Without the rule there were four.
  assert.ok(last - before <= 1, `${last - before} checks in four seconds`);
});

test('an application that answers requests with 500 is checked, and gets no more requests when the check fails', async () => {
  const breaking = `let broken = false; require('node:http').createServer((request, answer) => {
    broken ||= request.url === '/break';
    answer.statusCode = broken ? 500 : 200;
    answer.end();
  }).listen(Number(process.env.PORT), '127.0.0.1');`;
  edge = await startFromYaml(
    `applications: { shop: { command: ${JSON.stringify([process.execPath, '-e', breaking])}, readiness: /up } }\n`,
  );
  await ready();
  await edge.get('/break');
  // Three checks have to fail, a second apart. The first one runs at most 5 s after the last good answer.
  await until('the application gets no more requests', async () => (await edge.get('/')).status === 503, 30_000);
  assert.equal(instance().phase, 'failing');
});

test('an exit that is reported after the answer is explained later, as an exit that came after the answer', async () => {
  edge = await startFromYaml(application());
  await ready();
  const response = await post('/breaks');
  const problem = problemOf(response);
  assert.equal(problem['cause'], 'closed_before_response');
  assert.doesNotMatch(String(problem['detail']), /exited/);
  // Where the record comes late, the exit is known by then.
  const known = (await edge.record(response)).attempts.at(-1)?.exit ?? null;
  assert.ok(known === null || (known.after_answer_ms ?? 0) > 0, JSON.stringify(known));
  let record: ExchangeRecord | null = null;
  await until('the record names the exit', async () => {
    record = await edge.record(response);
    return record.attempts.at(-1)?.exit?.last_line != null && record.attempts.at(-1)?.exit?.code === 7;
  });
  const { sentence, nextStep } = verdictOf(record ?? assert.fail());
  assert.ok(sentence.startsWith(String(problem['detail'])), 'the sentence of the answer stays as it was');
  assert.match(
    sentence,
    / The instance exited with code 7; the exit became known (?:\d+ ms|[\d.]+ s) after the answer; its last line: "gone at last, token=…"\.$/,
  );
  assert.match(nextStep ?? '', /last output of the instance/);
});

describe('an application that exits during a request', () => {
  const deaths: [path: string, says: RegExp][] = [
    [
      '/killed',
      /The instance was killed by SIGKILL,? .*(?:earlier|later|at the same time); its last line: "about to be killed"/,
    ],
    [
      '/exits',
      /The instance exited with code 3,? .*(?:earlier|later|at the same time); its last line: "cannot go on: no database, token=…"/,
    ],
  ];
  test('twice within two seconds: each answer names its own exit', async () => {
    edge = await startFromYaml(application());
    await ready();
    for (const [path, says] of deaths) {
      const [response, record, exit] = await named(() => post(path));
      assert.equal(response.status, 502);
      const problem = problemOf(response);
      assert.match(String(problem['detail']), says);
      // The answer and the explanation give the same reason.
      const verdict = verdictOf(record);
      assert.equal(problem['detail'], verdict.sentence);
      assert.equal(problem['next_step'], verdict.nextStep);
      assert.deepEqual(problem['usual_causes'], verdict.usualCauses);
      assert.equal(problem['may_have_been_executed'], true);
      assert.equal(record.shape, 'reset');
      assert.deepEqual([exit.code, exit.signal], path === '/killed' ? [null, 'SIGKILL'] : [3, null]);
      assert.ok(Math.abs(exit.before_ms) < 2000);
      assert.equal(edge.eventsOf('instance_exited').at(-1)?.evidence.output.at(-1), exit.last_line);
    }
  });

  for (const wait of sampled(['none', '200ms'], 2, 1))
    test(`a refused connection is explained by the exit too, after a wait: ${wait}`, async () => {
      // A restart comes at random within this time: hardly before the request.
      const yaml = application(`    when_none_ready: { wait: ${wait} }\n`);
      edge = await startFromYaml(yaml.replace('first_delay: 400ms', 'first_delay: 1h, max_delay: 1h'));
      await ready();
      assert.equal((await edge.get('/deaf')).status, 200);
      // The application closes its listener a moment before it exits. A request in between is refused, and its answer may not name
      // the exit.
      await until('an answer names the exit', async () => {
        const response = await json('/after');
        assert.ok([502, 503].includes(response.status));
        if (!/killed by SIGKILL.*last line: "deaf and gone/.test(String(problemOf(response)['detail']))) return false;
        if (response.status === 502) {
          const record = await edge.record(response);
          assert.equal(record.cause, 'connect_refused');
          assert.equal(record.attempts.at(-1)?.exit?.signal, 'SIGKILL');
        }
        return true;
      });
    });

  test('in the middle of its answer: the client gets a truncated answer, and the record names the exit', async () => {
    // The beginning of the answer has reached the client before the application exits, on a busy machine too.
    edge = await startFromYaml(`commit_delay: none${application()}`);
    await ready();
    const [, record, exit] = await named(async () => {
      const client = edge.connect();
      client.write(requestText('GET', '/half'));
      const { response, state } = await client.response('GET', timeoutMs);
      client.close();
      assert.equal(response?.complete, false);
      assert.notEqual(state, 'open');
      return response ?? assert.fail();
    });
    assert.deepEqual([record.end, record.cause], ['truncated', 'response_body_short']);
    assert.deepEqual([exit.code, exit.last_line], [4, 'died in the middle, password=…']);
    assert.match(record.detail ?? '', /exited with code 4/);
    await until('the exit is reported', () => edge.eventsOf('instance_exited').length > 0);
    assert.equal(edge.eventsOf('instance_exited')[0]?.evidence.code, 4);
  });
});

describe('while no instance is ready', () => {
  test('an instance that restarts gets no requests: 503 gives the reason and Retry-After, and then the instance serves', async () => {
    edge = await startFromYaml(application('    when_none_ready: { wait: none }\n'));
    await ready();
    await json('/killed');
    let refusals = 0;
    await until('the instance serves again', async () => {
      const response = await json('/');
      if (response.status === 200) {
        const [, served] = response.body.toString().split(' ');
        assert.equal(served, '1', 'the instance had no request before this one');
        return true;
      }
      assert.equal(response.status, 503, response.body.toString());
      assert.match(headerOf(response, 'retry-after') ?? '', /^[1-9][0-9]*$/);
      const { cause, detail } = problemOf(response);
      refusals++;
      if (cause === 'no_endpoint_ready') assert.match(String(detail), /killed by SIGKILL.*about to be killed/);
      else assert.equal(cause, 'instance_starting');
      return false;
    });
    assert.ok(refusals > 0);
    assert.equal(instance().restarts, 1);
    const events = edge.events.map(({ kind }) => kind).filter((kind) => kind.startsWith('instance_'));
    assert.deepEqual(events, [
      'instance_started',
      'instance_ready',
      'instance_exited',
      'instance_restarting',
      'instance_started',
      'instance_ready',
    ]);
  });

  test('requests wait for an instance that restarts, and none fails', () =>
    undisturbed(async () => {
      edge = await startFromYaml(application());
      try {
        await ready();
        await json('/killed');
        const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await json('/')).status));
        assert.deepEqual(new Set(statuses), new Set([200]));
        assert.equal(instance().restarts, 2, 'a GET that ends the process is sent once more');
      } finally {
        await edge.stop();
      }
    }));

  test('the gateway opens its listeners, but routes nothing to an instance before its readiness check passes', async () => {
    edge = await startFromYaml(application('    environment: { READY: "./ready" }\n'));
    const response = await json('/early');
    assert.equal(response.status, 503);
    assert.equal(problemOf(response)['cause'], 'instance_starting');
    assert.match(headerOf(response, 'retry-after') ?? '', /^[1-9][0-9]*$/);
    assert.equal(instance().phase, 'starting');
    await until('the instance has been checked', () => /answered 503|503/.test(instance().reason));
    assert.equal((await json('/early')).status, 503);
    await writeFile(join(edge.folder, 'ready'), '');
    await ready();
    const [, served] = (await edge.get('/')).body.toString().split(' ');
    assert.equal(served, '1', 'this request is the first of the instance');
  });

  test('every answer says that the program of an application cannot be started', async () => {
    edge = await startFromYaml(`
disclosure: operator
applications: { shop: { command: ./no-such-program } }
`);
    await until('a start was tried', () => edge.eventsOf('instance_not_started').length > 0);
    // The worker learns of it a moment after the main thread.
    await until('the answer names the program', async () => {
      const response = await json('/');
      assert.equal(response.status, 503);
      return /no-such-program/.test(String(problemOf(response)['detail']));
    });
    assert.notEqual(instance().phase, 'ready');
  });

  test('the status shows instances and endpoints with the same state, and a reload may remove an application, whose process ends no later than the gateway', async () => {
    edge = await startFromYaml(application());
    await ready();
    const { applications, upstreams } = edge.gateway.status();
    const [one] = applications[0]?.instances ?? [];
    assert.ok(one !== undefined && one.pid !== null);
    const [endpoint] = upstreams[0]?.endpoints ?? [];
    assert.deepEqual([upstreams[0]?.application, endpoint?.state], ['shop', 'healthy']);
    assert.ok(endpoint?.address.endsWith(`:${one.port}`));
    const { pid } = one;
    assert.match((await edge.get('/')).body.toString(), new RegExp(`^${pid} `));
    assert.equal((await edge.reload('routes: [ { path: /, respond: { body: closed } } ]')).ok, true);
    assert.equal((await edge.get('/')).body.toString(), 'closed');
    await edge.stop();
    assert.equal(isAlive(pid), false);
  });
});

describe('an instance that is replaced or removed', () => {
  const changed = application('    environment: { CHANGED: "yes" }\n');
  const gone = (pid: number | null): Promise<void> =>
    until('the old process has ended', () => pid !== null && !isAlive(pid), 5000);

  test('stops as soon as it has no requests in flight, before the drain timeout', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 60s }`);
    await ready();
    const { pid } = instance();
    assert.equal((await edge.get('/')).status, 200);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 60s }`)).ok, true);
    await gone(pid);
    assert.notEqual((await edge.get('/')).body.toString().split(' ')[0], String(pid));
  });

  test('finishes its requests in flight first, also when its whole application is removed', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 60s }`);
    await ready();
    const { pid } = instance();
    const slow = edge.get('/slow');
    await until('the request is in flight', () => edge.counts().active === 1);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 60s }`)).ok, true);
    const response = await slow;
    assert.deepEqual([response.status, response.body.toString()], [200, `${pid} slow`]);
    await gone(pid);

    await ready();
    const next = instance().pid;
    const last = edge.get('/slow');
    await until('the request is in flight', () => edge.counts().active === 1);
    assert.equal(
      (await edge.reload('drain: { timeout: 60s }\nroutes: [ { path: /, respond: { body: x } } ]')).ok,
      true,
    );
    assert.equal((await last).body.toString(), `${next} slow`);
    await gone(next);
  });

  test('is stopped with a request in flight when the drain timeout expires', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 100ms }`);
    await ready();
    const { pid } = instance();
    const slow = json('/slow');
    await until('the request is in flight', () => edge.counts().active === 1);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 100ms }`)).ok, true);
    await gone(pid);
    // A server that gets SIGTERM may have reset the connection; a server that closes gracefully has answered.
    assert.ok([200, 502].includes((await slow).status));
  });
});

test('a header that is configured as secret appears nowhere: not in the answer, the record, an event or the status', async () => {
  const canary = 'canary-5f2c9a';
  const secret = `${application(`    environment: { CANARY: ${canary} }\n`)}log: { path: ./log, secret_headers: [X-Shop-Pass] }`;
  edge = await startFromYaml(secret);
  await ready();
  const response = await edge.send(requestText('POST', '/canary', ['Accept: application/json', 'Content-Length: 0']));
  assert.equal(response.status, 502);
  const record = await edge.record(response);
  await until('the exit is reported', () => edge.eventsOf('instance_exited').length === 1);
  const exited = edge.eventsOf('instance_exited')[0];
  assert.deepEqual(exited?.evidence.output, ['X-Shop-Pass: …']);
  const places = {
    answer: response.body.toString(),
    record: JSON.stringify(record),
    events: JSON.stringify(edge.events),
    status: JSON.stringify(edge.gateway.status()),
  };
  for (const [place, text] of Object.entries(places)) assert.ok(!text.includes(canary), `${place}: ${text}`);
  assert.match(places.answer, /X-Shop-Pass: …/);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
