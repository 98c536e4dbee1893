import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verdictOf } from '../../src/cli/explanation.ts';
import type { ExchangeRecord } from '../../src/core/record.ts';
import type { InstanceStatus } from '../../src/control/gateway-status.ts';
import { fieldOf, type RawResponse } from '../../src/testing/testing.ts';
import { timeoutMs, requestText, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Applications as processes of their own: nothing reaches them before they are ready, and their death is named.

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
 * One death that its record names. An answer waits a moment for the news of an exit; on a machine so busy that the system
 * takes longer to tell of it, the next death will do.
 */
async function named(die: () => Promise<RawResponse>): Promise<[RawResponse, ExchangeRecord, RecordedExit]> {
  for (let death = 0; death < 4; death++) {
    await until('it serves', async () => (await edge.get('/')).status === 200, 30_000);
    const response = await die();
    const record = await edge.record(response);
    const exit = record.attempts.at(-1)?.exit ?? null;
    if (exit !== null) return [response, record, exit];
  }
  assert.fail('no record of four deaths names its exit');
}

function problemOf(response: RawResponse): Record<string, unknown> {
  return JSON.parse(response.content.toString()) as Record<string, unknown>;
}

test('while its requests are answered an application is not asked whether it is ready', async () => {
  const counting = `let checks = 0; require('node:http').createServer((request, answer) => {
    if (request.headers['user-agent'] === 'readiness-check') checks += 1;
    answer.end(String(checks));
  }).listen(Number(process.env.PORT), '127.0.0.1');`;
  edge = await startFromYaml(
    `applications: { shop: { command: ${JSON.stringify([process.execPath, '-e', counting])} } }\n`,
  );
  await ready();
  const checks = async (): Promise<number> => Number((await edge.get('/')).content.toString());
  const before = await checks();
  const end = performance.now() + 4_000;
  let last = before;
  while (performance.now() < end) {
    last = await checks();
    await sleep(50);
  }
  // One may have been due before the first request was known of; there were four.
  assert.ok(last - before <= 1, `${last - before} checks in four seconds`);
});

test('an application that answers each request with 500 is asked whether it is ready, and gets none when it is not', async () => {
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
  // Three checks have to fail, a second apart. The first comes 5 s at most after the last answer before the 500s.
  await until('it gets none', async () => (await edge.get('/')).status === 503, 30_000);
  assert.equal(instance().phase, 'failing');
});

test('news of an exit that comes after the answer is explained later, as what it is', async () => {
  edge = await startFromYaml(application());
  await ready();
  const response = await post('/breaks');
  const problem = problemOf(response);
  assert.equal(problem['cause'], 'closed_before_response');
  assert.doesNotMatch(String(problem['detail']), /exited/);
  assert.equal((await edge.record(response)).attempts.at(-1)?.exit, null);
  let record: ExchangeRecord | null = null;
  await until('the exit is known', async () => {
    record = await edge.record(response);
    return record.attempts.at(-1)?.exit?.last_line != null && record.attempts.at(-1)?.exit?.code === 7;
  });
  const { sentence, nextStep } = verdictOf(record ?? assert.fail());
  assert.ok(sentence.startsWith(String(problem['detail'])), 'what the answer said still stands');
  assert.match(
    sentence,
    / The instance exited with code 7; the exit became known (?:\d+ ms|[\d.]+ s) after the answer; its last line: "gone at last, token=…"\.$/,
  );
  assert.match(nextStep ?? '', /last output of the instance/);
});

describe('an application that dies while it has a request', () => {
  const deaths: [path: string, says: RegExp][] = [
    ['/killed', /The instance was killed by SIGKILL,? .*(?:earlier|later); its last line: "about to be killed"/],
    [
      '/exits',
      /The instance exited with code 3, .*(?:earlier|later); its last line: "cannot go on: no database, token=…"/,
    ],
  ];
  for (const [path, says] of deaths) {
    test(`${path}: the answer names it`, async () => {
      edge = await startFromYaml(application());
      await ready();
      const [response, record, exit] = await named(() => post(path));
      assert.equal(response.status, 502);
      const problem = problemOf(response);
      assert.match(String(problem['detail']), says);
      // Who reads the answer and who asks for an explanation are told the same.
      const verdict = verdictOf(record);
      assert.equal(problem['detail'], verdict.sentence);
      assert.equal(problem['next_step'], verdict.nextStep);
      assert.deepEqual(problem['usual_causes'], verdict.usualCauses);
      assert.equal(problem['may_have_been_executed'], true);
      assert.equal(record.shape, 'reset');
      assert.deepEqual([exit.code, exit.signal], path === '/killed' ? [null, 'SIGKILL'] : [3, null]);
      assert.ok(Math.abs(exit.before_ms) < 2000);
      const [event] = edge.eventsOf('instance_exited');
      assert.equal(event?.evidence.output.at(-1), exit.last_line);
    });
  }

  test('twice within two seconds: each failure is explained by the exit that made it', async () => {
    edge = await startFromYaml(application());
    await ready();
    for (const [path, code, signal] of [
      ['/killed', null, 'SIGKILL'],
      ['/exits', 3, null],
    ] as const) {
      const [, , exit] = await named(() => post(path));
      assert.deepEqual([exit.code, exit.signal], [code, signal], path);
    }
  });

  test('a refused connection is explained by the exit too', async () => {
    // So long that it has not begun again when it is asked.
    edge = await startFromYaml(application().replace('first_delay: 400ms', 'first_delay: 20s'));
    await ready();
    assert.equal((await edge.get('/deaf')).status, 200);
    // It closes its listener a moment before it dies: who comes between the two is refused, and may hear of nothing more.
    await until('an answer names its death', async () => {
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

  test('in the middle of its answer: the answer is cut, not completed, and the exit is named', async () => {
    // What has begun has gone on by the time it dies, however busy the machine is.
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
    await until('the exit is told', () => edge.eventsOf('instance_exited').length > 0);
    assert.equal(edge.eventsOf('instance_exited')[0]?.evidence.code, 4);
  });
});

describe('while there is no instance', () => {
  test('one that starts again gets nothing: 503 says why and when to come back, then it serves', async () => {
    edge = await startFromYaml(application());
    await ready();
    await json('/killed');
    let refusals = 0;
    await until('it serves again', async () => {
      const response = await json('/');
      if (response.status === 200) {
        const [, served] = response.content.toString().split(' ');
        assert.equal(served, '1', 'it had no request before this one');
        return true;
      }
      assert.equal(response.status, 503, response.content.toString());
      assert.match(fieldOf(response, 'retry-after') ?? '', /^[1-9][0-9]*$/);
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

  test('nothing is routed before it has shown that it is ready; listeners are open all the same', async () => {
    edge = await startFromYaml(application('    environment: { READY: "./ready" }\n'));
    const response = await json('/early');
    assert.equal(response.status, 503);
    assert.equal(problemOf(response)['cause'], 'instance_starting');
    assert.match(fieldOf(response, 'retry-after') ?? '', /^[1-9][0-9]*$/);
    assert.equal(instance().phase, 'starting');
    await until('it was asked', () => /answered 503|503/.test(instance().reason));
    assert.equal((await json('/early')).status, 503);
    await writeFile(join(edge.folder, 'ready'), '');
    await ready();
    const [, served] = (await edge.get('/')).content.toString().split(' ');
    assert.equal(served, '1', 'this request is its first');
  });

  test('a program that cannot be started is said to be that, to whoever asks', async () => {
    edge = await startFromYaml(`
disclosure: operator
applications: { shop: { command: ./no-such-program } }
`);
    await until('it was tried', () => edge.eventsOf('instance_not_started').length > 0);
    // The worker hears of it a moment after main does.
    await until('the answer names it', async () => {
      const response = await json('/');
      assert.equal(response.status, 503);
      return /no-such-program/.test(String(problemOf(response)['detail']));
    });
    assert.notEqual(instance().phase, 'ready');
  });

  test('the status of the gateway shows instances and endpoints alike', async () => {
    edge = await startFromYaml(application());
    await ready();
    const { applications, upstreams } = edge.gateway.status();
    const [one] = applications[0]?.instances ?? [];
    assert.ok(one !== undefined && one.pid !== null);
    const [endpoint] = upstreams[0]?.endpoints ?? [];
    assert.deepEqual([upstreams[0]?.application, endpoint?.state], ['shop', 'healthy']);
    assert.ok(endpoint?.address.endsWith(`:${one.port}`));
    assert.match((await edge.get('/')).content.toString(), new RegExp(`^${one.pid} `));
  });

  test('a reload may take an application away; its process ends with the gateway at the latest', async () => {
    edge = await startFromYaml(application());
    await ready();
    const { pid } = instance();
    assert.ok(pid !== null);
    assert.equal((await edge.reload('routes: [ { path: /, respond: { body: closed } } ]')).ok, true);
    assert.equal((await edge.get('/')).content.toString(), 'closed');
    await edge.stop();
    assert.equal(isAlive(pid), false);
  });
});

describe('an instance that is replaced or taken away', () => {
  const changed = application('    environment: { CHANGED: "yes" }\n');
  const gone = (pid: number | null): Promise<void> =>
    until('the old process is gone', () => pid !== null && !isAlive(pid), 5000);

  test('stops as soon as nothing is under way on it, not when the time for draining is over', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 60s }`);
    await ready();
    const { pid } = instance();
    assert.equal((await edge.get('/')).status, 200);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 60s }`)).ok, true);
    await gone(pid);
    assert.notEqual((await edge.get('/')).content.toString().split(' ')[0], String(pid));
  });

  test('may finish what it has first', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 60s }`);
    await ready();
    const { pid } = instance();
    const slow = edge.get('/slow');
    await until('it is under way', () => edge.counts().active === 1);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 60s }`)).ok, true);
    const response = await slow;
    assert.deepEqual([response.status, response.content.toString()], [200, `${pid} slow`]);
    await gone(pid);
  });

  test('may finish it too when the whole application is taken away', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 60s }`);
    await ready();
    const { pid } = instance();
    const slow = edge.get('/slow');
    await until('it is under way', () => edge.counts().active === 1);
    assert.equal(
      (await edge.reload('drain: { timeout: 60s }\nroutes: [ { path: /, respond: { body: x } } ]')).ok,
      true,
    );
    assert.equal((await slow).content.toString(), `${pid} slow`);
    await gone(pid);
  });

  test('is stopped with a request under way when the time for draining is over', async () => {
    edge = await startFromYaml(`${application()}drain: { timeout: 100ms }`);
    await ready();
    const { pid } = instance();
    const slow = json('/slow');
    await until('it is under way', () => edge.counts().active === 1);
    assert.equal((await edge.reload(`${changed}drain: { timeout: 100ms }`)).ok, true);
    await gone(pid);
    // A server that is told to stop may have cut it; one that closes gently has answered it.
    assert.ok([200, 502].includes((await slow).status));
  });
});

test('a field that is called secret is told nowhere: not in the answer, the record, an event or the status', async () => {
  const canary = 'canary-5f2c9a';
  const secret = `${application(`    environment: { CANARY: ${canary} }\n`)}log: { path: ./log, secret_headers: [X-Shop-Pass] }`;
  edge = await startFromYaml(secret);
  await ready();
  const response = await edge.send(requestText('POST', '/canary', ['Accept: application/json', 'Content-Length: 0']));
  assert.equal(response.status, 502);
  const record = await edge.record(response);
  await until('the exit is told', () => edge.eventsOf('instance_exited').length === 1);
  const exited = edge.eventsOf('instance_exited')[0];
  assert.deepEqual(exited?.evidence.output, ['X-Shop-Pass: …']);
  const places = {
    answer: response.content.toString(),
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
