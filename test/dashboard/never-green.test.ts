import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain } from '../../src/cli/style.ts';
import { verdictLines } from '../../src/cli/status-table.ts';
import type { StatusJson, UpstreamJson } from '../../src/dashboard/model.ts';
import { overallState, upstreamState } from '../../src/dashboard/overall-state.ts';
import { type GatewayFacts, judgeGateway, judgeUpstream, type UpstreamFacts } from '../../src/policy/verdict.ts';
import type { IncidentStatus } from '../../src/core/schemas/incidents.ts';
import * as fc from '../properties.ts';

// What the gateway judges of random traffic, endpoints and incidents, and what the page and `candor status` show of it.

const traffic = fc
  .tuple(fc.nat(200), fc.nat(200))
  .map(([requests, errors]) => ({ requests, errors: Math.min(requests, errors) }));
const routes = fc.record({ closed: fc.constantFrom([], ['shop']), paused: fc.constant([]), open: fc.nat(1) });
const waitingFacts = fc.constantFrom(null, { count: 3, oldestMs: 2000 });
const upstreamFacts: fc.Arbitrary<UpstreamFacts> = fc
  .record({
    ...{ recent: traffic, lastMinute: traffic, usable: fc.nat(2), onProbation: fc.nat(1), tried: fc.nat(1) },
    ...{ unknown: fc.nat(1), draining: fc.nat(1), troubled: fc.nat(2), breakersOpen: fc.nat(1), maintenance: routes },
    ...{ stopped: fc.nat(1), waiting: waitingFacts, awaited: fc.constant(null), usualMs: fc.constant(null) },
    ...{ trouble: fc.constantFrom(null, 'a port refuses connections'), queued: waitingFacts },
    silentS: fc.constantFrom(null, 25),
    applicationProblem: fc.constantFrom(null, 'crash_loop', 'application_not_ready'),
    isApplicationStopped: fc.boolean(),
  })
  .map(({ troubled, ...facts }) => {
    const { usable, onProbation, tried, unknown, draining } = facts;
    return { ...facts, endpoints: usable + onProbation + tried + unknown + draining + troubled };
  });
const gatewayFacts: fc.Arbitrary<GatewayFacts> = fc
  .record({
    ...{
      recent: traffic,
      lastMinute: traffic,
      silentS: fc.constantFrom(null, 25),
      refusal: fc.constantFrom(null, 'clients are refused'),
      problems: fc.constantFrom<readonly string[]>([], ['the store fails']),
      unreadyReleases: fc.constantFrom<readonly string[]>([], ['shop']),
      incidents: fc.nat(2),
      maintenance: routes,
    },
    ...{
      state: fc.constantFrom('starting', 'serving', 'draining'),
      upstreams: fc.array(upstreamFacts, { maxLength: 3 }),
    },
  })
  .map(({ upstreams, ...facts }) => ({
    ...facts,
    upstreams: upstreams.map((one, index) => ({
      id: `up-${index}`,
      verdict: judgeUpstream(one),
      isUsed: index > 0,
      isPast: false,
    })),
  }));

/** One request that failed among others is no reason, once it is past. */
const fails = ({ requests, errors }: UpstreamFacts['lastMinute']): boolean =>
  errors > requests * 0.01 && (errors > 1 || requests === 1);

test('an upstream is never green while its requests fail', () => {
  fc.assert(
    fc.property(upstreamFacts, (facts) => {
      const upstream = { verdict: judgeUpstream(facts), last_minute: facts.lastMinute, endpoints: [] };
      const { tone } = upstreamState(upstream as unknown as UpstreamJson, []);
      if (fails(facts.lastMinute) || fails(facts.recent)) assert.notEqual(tone, 'good');
      if (fails(facts.lastMinute)) assert.notEqual(tone, 'idle');
      if (facts.applicationProblem !== null) assert.notEqual(tone, 'good');
    }),
    { numRuns: 1000 },
  );
});

test('the page is never green while requests fail or an incident goes on, and has the word of candor status', () => {
  fc.assert(
    fc.property(gatewayFacts, (facts) => {
      const { lastMinute, recent } = facts;
      const verdict = judgeGateway(facts);
      const incidents = Array.from({ length: facts.incidents }, () => ({ title: 'Refused', failed: 3 }));
      const status = {
        verdict,
        incidents,
        problems: [],
        dependencies: [],
        objectives: [],
        last_minute: lastMinute,
        upstreams: [],
      };
      const { tone, word } = overallState(status as unknown as StatusJson, false);
      if (fails(lastMinute) || fails(recent) || facts.incidents > 0) assert.notEqual(tone, 'good');
      const shown = { verdict, incidents: incidents as unknown as IncidentStatus[], lastMinute };
      const [line = ''] = verdictLines(shown, plain);
      assert.equal(/(\w+):/.exec(line)?.[1] ?? 'serving', word);
    }),
    { numRuns: 1000 },
  );
});
