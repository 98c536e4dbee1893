import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { OutlierDetector } from '../../src/discovery/outlier-detector.ts';
import {
  type AttemptOutcomes,
  type CreateOutlierDetection,
  inRowAfter,
  type OutlierDetection,
  type OutlierEvidence,
} from '../../src/policy/outlier-detection.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { OutcomeCounts } from '../../src/worker/outcome-counts.ts';
import { Http1World } from './http1-world.ts';
import type { RequestText } from './world.ts';

const figures = { requests: 0, failures: 0, windowMs: 0, consecutiveUnreachable: 0 };

/** Three failures in a row, as Envoy has it with `consecutive_gateway_failure`. */
class ThreeFailuresInRow implements OutlierDetection {
  #consecutiveFailures = 0;

  get hasFailures(): boolean {
    return this.#consecutiveFailures > 0;
  }

  onAttemptsEnded(outcomes: AttemptOutcomes): void {
    this.#consecutiveFailures = inRowAfter(this.#consecutiveFailures, outcomes.consecutiveFailures, outcomes);
  }

  evidence(): OutlierEvidence | null {
    const failures = this.#consecutiveFailures;
    return failures < 3 ? null : { ...figures, failures, reason: `${failures} requests in a row failed` };
  }
}

/** A mean of more than half a second over five requests. */
class SlowOnAverage implements OutlierDetection {
  readonly hasFailures = false;
  #requests = 0;
  #latencyMs = 0;

  onAttemptsEnded({ successes }: AttemptOutcomes, latencyMs: number): void {
    this.#requests += successes;
    this.#latencyMs += latencyMs;
  }

  evidence(): OutlierEvidence | null {
    const meanMs = Math.round(this.#latencyMs / this.#requests);
    if (this.#requests < 5 || meanMs <= 500) return null;
    return { ...figures, requests: this.#requests, reason: `${this.#requests} requests took ${meanMs} ms on average` };
  }
}

/** Two endpoints, whose outcomes are reported to a detector after each request, and whose states follow it. */
class JudgedWorld {
  readonly world = new Http1World({ endpoints: ['a', 'b'] });
  readonly events: NewEvent[] = [];
  readonly #outcomes = new OutcomeCounts();
  readonly #detector: OutlierDetector;
  #counted = 0;

  constructor(createDetection?: CreateOutlierDetection) {
    const checked = ['a', 'b'].map((name) => this.world.endpoint(name).snapshot());
    const apply = (): void => {
      const adjusted = this.#detector.adjust(checked);
      for (const [index, name] of ['a', 'b'].entries()) {
        this.world.endpoint(name).state = adjusted[index]?.state ?? 'healthy';
      }
      this.world.changed();
    };
    this.#detector = new OutlierDetector({
      clock: this.world.clock,
      random: new SeededRandom(1),
      events: { emit: (event) => void this.events.push(event) },
      checked: () => new Map(checked.map((endpoint) => [endpoint.id, endpoint])),
      checkOf: () => 'tcp',
      onChange: apply,
      ...(createDetection === undefined ? {} : { createDetection }),
    });
    for (const name of ['a', 'b']) this.world.endpoint(name).onRequest = (request) => request.answer(200, name);
  }

  /** Sends requests one after the other, and returns who answered each ('-': none). */
  ask(count: number, everyMs = 5, request: RequestText = { method: 'POST', body: 'x' }): string {
    let answers = '';
    for (let number = 0; number < count; number++) {
      const client = this.world.request(request);
      this.world.pass(everyMs);
      for (; this.#counted < this.world.records.length; this.#counted++) {
        const record = this.world.records[this.#counted];
        if (record !== undefined) this.#outcomes.count(record);
      }
      this.#detector.onOutcomes(this.#outcomes.take().map((one) => ({ ...one, upstream: 'app' as UpstreamId })));
      answers += client.status === 200 ? client.body.toString() : '-';
    }
    return answers;
  }

  get reasons(): readonly string[] {
    return this.events.map(({ reason }) => reason ?? '');
  }
}

describe('an outlier detection', () => {
  it('by failures in a row ejects an endpoint after the third, and requests go elsewhere', () => {
    const judged = new JudgedWorld(() => new ThreeFailuresInRow());
    judged.world.endpoint('a').onRequest = (request) => request.breakOff('reset');
    // GETs are retried at the other endpoint. A POST would avoid the endpoint after its first failure.
    assert.equal(judged.ask(40, 5, {}), 'b'.repeat(40));
    assert.equal(judged.world.endpoint('a').arrived.length, 3);
    assert.match(
      judged.reasons[0] ?? '',
      /^its checks pass, but 3 requests in a row failed \(mostly reset_before_response\); /,
    );
  });

  it('by failures in a row forgets them with a success', () => {
    const judged = new JudgedWorld(() => new ThreeFailuresInRow());
    let number = 0;
    judged.world.endpoint('a').onRequest = (request) => {
      if (++number % 3 === 0) request.answer(200, 'a');
      else request.breakOff('reset');
    };
    judged.ask(40, 5, {});
    assert.deepEqual(judged.events, []);
  });

  it('by latency ejects an endpoint that is slow', () => {
    const judged = new JudgedWorld(() => new SlowOnAverage());
    const { clock } = judged.world;
    judged.world.endpoint('b').onRequest = (request) => {
      clock.schedule((clock.now() + 700) as ReturnType<typeof clock.now>, () => request.answer(200, 'b'), undefined);
    };
    let answers = '';
    while (judged.events.length === 0 && answers.length < 40) answers += judged.ask(1, 1000);
    assert.equal(answers.replaceAll('a', ''), 'bbbbb');
    assert.equal(judged.ask(5, 1000), 'aaaaa');
    assert.match(judged.reasons[0] ?? '', /^its checks pass, but 5 requests took 70\d ms on average /);
  });

  it('by the failure rate is the one that is used where none is given', () => {
    const judged = new JudgedWorld();
    judged.world.endpoint('a').onRequest = (request) => request.breakOff('reset');
    judged.ask(60, 5, {});
    assert.equal(judged.world.endpoint('a').arrived.length, 10, 'fewer than ten failures in a row decide nothing');
    assert.match(judged.reasons[0] ?? '', /^its checks pass, but 10 of 10 attempts within 30 s failed /);
  });
});
