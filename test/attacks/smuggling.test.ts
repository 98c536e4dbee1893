import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { requestRules } from '#failures/rules.ts';
import { attack, type AttackReport, type Outcome } from './smuggling/attack.ts';
import { originKinds } from './smuggling/origins.ts';
import { families, smugglingPayloads } from './smuggling/payloads.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

const [strict, ...otherKinds] = originKinds;
assert.ok(strict !== undefined);
const forms = ['whole', 'cut'] as const;

describe('request smuggling', () => {
  it('has at least a hundred and fifty payloads, each with its own name', () => {
    assert.ok(smugglingPayloads.length >= 150);
    assert.equal(new Set(smugglingPayloads.map(({ name }) => name)).size, smugglingPayloads.length);
  });

  it('has several payloads of every kind', () => {
    for (const [family, payloads] of Object.entries(families)) assert.ok(payloads.length >= 8, family);
  });

  // What the strict one shows, the tests of the single payloads show too.
  for (const kind of isWholeSweep ? originKinds : otherKinds) {
    it(`reaches ${kind.name} with no request that the gateway has not counted`, async (context) => {
      if (kind.missing !== null) return context.skip(kind.missing);
      // Here every payload goes to the strict origin only, and a quarter of them to the others. `npm run smuggle` sends all
      // of them to every origin.
      const payloads = sampled(smugglingPayloads, 4);
      const { findings, outcomes, seen } = await attack(kind, payloads, ['whole']);
      context.diagnostic(`${outcomes.length} clients, ${seen.length} requests seen`);
      assert.deepEqual(findings, []);
      assert.ok(seen.length >= payloads.length / 4, `the origin has seen ${seen.length} requests`);
    });
  }
});

describe('request smuggling, payload by payload', () => {
  /** `npm test` sends each in one form, by turns; what is cut may be read in other ways than what comes at once. */
  const formsOf = new Map(
    smugglingPayloads.map((payload, index) => [payload, isWholeSweep ? forms : [forms[index % 2] ?? 'whole']]),
  );
  let report: Pick<AttackReport, 'findings' | 'outcomes' | 'seen'>;
  before(async () => {
    const reports: AttackReport[] = [];
    for (const form of forms) {
      const payloads = smugglingPayloads.filter((payload) => formsOf.get(payload)?.includes(form));
      reports.push(await attack(strict, payloads, [form]));
    }
    report = {
      findings: reports.flatMap(({ findings }) => findings),
      outcomes: reports.flatMap(({ outcomes }) => outcomes),
      seen: reports.flatMap(({ seen }) => seen),
    };
  });

  it('breaks no rule when payloads are sent in slices', () => assert.deepEqual(report.findings, []));

  for (const [family, payloads] of Object.entries(families)) {
    for (const payload of payloads) {
      it(`${family}: ${payload.name}`, () => {
        const both = report.outcomes.filter((outcome) => outcome.payload === payload);
        assert.equal(both.length, formsOf.get(payload)?.length);
        for (const outcome of both) comesOutAsWritten(outcome);
      });
    }
  }

  function comesOutAsWritten({ payload, form, answers, records }: Outcome): void {
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses, payload.answers, form);
    const ids = new Set(records.map(({ id }) => id));
    const reached = report.seen.filter(({ id }) => ids.has(id));
    assert.equal(reached.length, payload.reaches, form);
    if (payload.rule === null) return;
    const { reason, section } = requestRules[payload.rule];
    const { detail } = JSON.parse(answers.at(-1)?.body.toString() ?? '') as { detail: string };
    assert.equal(detail, `The request was refused because ${reason} (${section}).`);
  }
});
