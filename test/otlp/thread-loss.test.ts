import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { runInWorkers } from '../gateway/run-in-workers.ts';
import { startFromYaml, until as untilWithin, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { accept, attributesOf, TestCollector } from './collector.ts';

// The thread that exports ends while requests come: they are answered, another thread exports, and what the first one held is counted.

let origin: RawOrigin;
let collector: TestCollector;
let edge: YamlGateway;

beforeEach(async () => {
  origin = await RawOrigin.start(() => ok('here'));
  collector = await TestCollector.start();
  edge = await startFromYaml(
    `upstreams: { app: { endpoints: "${origin.address}", check: none } }\notlp: { endpoint: "${collector.url}", logs: none, metrics: none }`,
  );
});
afterEach(async () => {
  await edge.stop();
  await collector.close();
  await origin.close();
});

/** A thread starts slowly on a busy machine. */
const until = (what: string, holds: () => boolean): Promise<void> => untilWithin(what, holds, 30_000);

const inExporter = (code: string): Promise<void> => runInWorkers(code, /^candor otlp/);

/** One request after the other, some milliseconds apart, until it is stopped. */
class Load {
  /** Of requests that were answered with 200. */
  readonly ids: string[] = [];
  readonly others: number[] = [];
  #stopped = false;
  readonly #ended = this.#run();

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const response = await edge.get('/');
      if (response.status === 200) this.ids.push(headerOf(response, 'x-request-id') ?? '');
      else this.others.push(response.status);
      // As many as can be sent would mostly take processor time.
      await sleep(15);
    }
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#ended;
  }
}

const exportedIds = (): Set<unknown> =>
  new Set(collector.spans.map((span) => attributesOf(span.attributes)['candor.request.id']));

function lostSpans(): number {
  const traces = edge.gateway.status().otlp?.signals.find(({ signal }) => signal === 'traces');
  return traces?.dropped.find(({ reason }) => reason === 'thread_lost')?.count ?? 0;
}

for (const [way, code, reason] of [
  ['throws', 'setTimeout(() => { throw new RangeError("on purpose"); })', /RangeError: on purpose/],
  ['ends', 'setTimeout(() => process.exit(3))', /its thread ended with 3/],
] as const)
  test(`while the thread that exports ${way} under load every request is answered; another one exports, and what was lost is counted`, async () => {
    collector.answer = () => {};
    const load = new Load();
    await until('spans wait for the answer of the collector', () => collector.spans.length > 0);
    await inExporter(code);
    await until('the loss is reported', () => edge.eventsOf('otlp_lost').length === 1);
    const [lost] = edge.eventsOf('otlp_lost');
    assert.match(`${lost?.evidence.reason} ${lost?.evidence.error}`, reason);
    assert.ok((lost?.evidence.dropped ?? 0) > 0);
    assert.equal(lostSpans(), lost?.evidence.dropped);
    collector.answer = accept;
    const after = load.ids.length;
    await until('a request after the loss is exported', () =>
      load.ids.slice(after).some((id) => exportedIds().has(id)),
    );
    await load.stop();
    assert.deepEqual(load.others, []);
    await until(
      'each exchange is exported or counted',
      () => load.ids.filter((id) => !exportedIds().has(id)).length <= lostSpans(),
    );
    assert.deepEqual(collector.problems, []);
  });

test('a collector that failed when the thread was lost, and takes spans again afterwards, is no problem any more', async () => {
  collector.answer = (_, response) => response.writeHead(400).end();
  await edge.get('/refused');
  await until('it fails', () => edge.gateway.status().problems.some(({ kind }) => kind === 'otlp_failing'));
  collector.answer = accept;
  await inExporter('setTimeout(() => process.exit(3))');
  await until('the loss is reported', () => edge.eventsOf('otlp_lost').length === 1);
  await edge.get('/taken');
  await until('the problem is over', () => edge.gateway.status().problems.length === 0);
  assert.deepEqual(
    edge.eventsOf('otlp_failing').map(({ to }) => to),
    ['failing', 'exporting'],
  );
});
