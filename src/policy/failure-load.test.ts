import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { contextOf, endpointsOf, type TestEndpoint } from './balancers.test-support.ts';
import { FailureLoad } from './failure-load.ts';
import { TwoChoices } from './two-choices.ts';

const at = (ms: number): Instant => ms as Instant;

describe('FailureLoad', () => {
  it('counts each failure as a request in flight, and forgets it within two seconds', () => {
    const load = new FailureLoad(at(0));
    assert.equal(load.at(at(0)), 0);
    load.note(at(0));
    assert.equal(load.at(at(0)), 1);
    assert.ok(load.at(at(1000)) < 0.4);
    assert.equal(load.at(at(2000)), 0);
  });

  it('adds up failures that follow each other', () => {
    const load = new FailureLoad(at(0));
    for (let ms = 0; ms < 100; ms += 10) load.note(at(ms));
    assert.ok(load.at(at(100)) > 9 && load.at(at(100)) < 10);
  });
});

interface Simulated {
  readonly requests: number;
  readonly failed: number;
  readonly failedPosts: number;
}

/** Requests at a steady rate, one of three a POST, in simulated time: all endpoints take 20 ms, but the first fails within 1 ms. */
function simulate(perSecond: number, seconds: number, remembersFailures: boolean): Simulated {
  const endpoints = endpointsOf([1, 1, 1]);
  const bad = endpoints[0] as TestEndpoint;
  const balancer = new TwoChoices<TestEndpoint>(new SeededRandom('fails fast'));
  balancer.update(endpoints);
  const failures = new FailureLoad(at(0));
  let ends: { readonly at: number; readonly endpoint: TestEndpoint }[] = [];
  let [failed, failedPosts] = [0, 0];
  const requests = perSecond * seconds;
  for (let request = 0; request < requests; request++) {
    const now = (request * 1000) / perSecond;
    for (const end of ends) if (end.at <= now) end.endpoint.load--;
    for (const end of ends) if (end.at <= now && end.endpoint === bad) failures.note(at(end.at));
    ends = ends.filter((end) => end.at > now);
    bad.failureLoad = remembersFailures ? failures.at(at(now)) : 0;
    const method = request % 3 === 0 ? 'POST' : 'GET';
    const picked = balancer.pick(contextOf({ method })) as TestEndpoint;
    picked.load++;
    if (picked === bad) failed++;
    if (picked === bad && method === 'POST') failedPosts++;
    ends.push({ at: now + (picked === bad ? 1 : 20), endpoint: picked });
  }
  return { requests, failed, failedPosts };
}

describe('endpoints that all fail some requests', () => {
  it('are told apart by their load', () => {
    const [busy, idle] = endpointsOf([1, 1]) as [TestEndpoint, TestEndpoint];
    Object.assign(busy, { load: 20, failureLoad: 3 });
    Object.assign(idle, { load: 5, failureLoad: 3.5 });
    const balancer = new TwoChoices<TestEndpoint>(new SeededRandom('all fail'));
    balancer.update([busy, idle]);
    for (const method of ['GET', 'POST'])
      for (let count = 0; count < 20; count++) assert.equal(balancer.pick(contextOf({ method })), idle);
  });
});

describe('an endpoint that fails at once, of three', () => {
  it('would get more than its third if only requests in flight counted', () => {
    const { requests, failed } = simulate(300, 10, false);
    assert.ok(failed > requests * 0.45, `${failed} of ${requests}`);
  });

  for (const perSecond of [30, 100, 300, 1000, 3000])
    it(`gets no more than its share of ${perSecond} requests a second, and no more than some twenty of them`, () => {
      const { requests, failed } = simulate(perSecond, 10, true);
      assert.ok(failed <= requests * 0.36, `${failed} of ${requests}`);
      assert.ok(failed <= 10 * 35, `${failed} in 10 s`);
    });

  it('is found within a second by outlier detection, which needs ten failures', () => {
    for (const perSecond of [60, 300, 1000]) {
      const { failed } = simulate(perSecond, 1, true);
      assert.ok(failed >= 10, `${failed} of ${perSecond}`);
    }
  });

  it('gets hardly any POST, and goes on getting GETs, which can be repeated', () => {
    const { failed, failedPosts } = simulate(300, 10, true);
    assert.ok(failed >= 20, `${failed} in 10 s`);
    assert.ok(failedPosts <= 5, `${failedPosts} of them POSTs`);
  });
});
