import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/repository.ts';
import { proxyErrors } from '#failures/proxy-error.ts';
import { stages } from '#failures/stage.ts';
import * as diagnose from '../../src/diagnose/diagnose.ts';
import { type Diagnose, type Score, score, shortOfClaim } from './corpus-claim.ts';
import {
  blindSplits,
  isNegative,
  isWhole,
  type LineCase,
  listOf,
  readLineCases,
  readResponseCases,
  type ResponseCase,
  type Split,
  splits,
  textOf,
} from './corpus.ts';

// Tests that the corpus is large, varied and consistent enough for the claim made with it. `corpus-claim.ts` compares the
// verdicts on its lines; the holdout split is also compared here. The blind splits are not: `corpus-claim.ts` does it.

const gateways: ReadonlySet<string> = new Set([
  ...['nginx', 'openresty', 'ingress-nginx', 'kong', 'apisix', 'apache', 'haproxy', 'envoy', 'istio', 'caddy'],
  ...['traefik', 'aws-alb', 'aws-clb', 'heroku', 'varnish', 'node', 'fly', 'vercel', 'gcp-lb', 'candor'],
]);

/** Only in the blind splits and `dev`. The last six are no gateways: their lines explain a failure of one, or only look as if they did. */
const moreGateways: ReadonlySet<string> = new Set([
  ...[
    'azure-app-gateway',
    'azure-front-door',
    'cloudflare',
    'cloudfront',
    'fastly',
    'iis',
    'kamal-proxy',
    'cloudflared',
  ],
  ...['php-fpm', 'gunicorn', 'uwsgi', 'systemd', 'kernel', 'application'],
]);

const shapes: ReadonlySet<string> = new Set([
  ...['unreachable', 'too_slow', 'reset', 'garbage', 'refused_by_gateway'],
  ...['app_error', 'client_abort', 'none', 'unknown'],
]);

const births: ReadonlySet<string | null> = new Set([
  ...['cdn-edge', 'load-balancer', 'reverse-proxy', 'platform-edge', 'application', 'client'],
  null,
]);

test('the test split has 320 lines, of every gateway, and a quarter of them are negatives', () => {
  const cases = readLineCases('test');
  assert.ok(cases.length >= 320, `${cases.length} lines`);
  assert.ok(readResponseCases('test').length >= 85);
  assert.deepEqual([...gateways].filter((gateway) => !cases.some((one) => one.gateway === gateway)).toSorted(), []);
  const negatives = cases.filter(isNegative);
  assert.ok(negatives.length * 4 >= cases.length, `${negatives.length} of ${cases.length} are negatives`);
  const untold = cases.filter(({ expect }) => expect.shape === 'unknown');
  assert.ok(untold.length >= 10, `${untold.length} lines that do not show the cause`);
});

test('the dev split, which developers may look at, has 220 lines, also as people paste them, and 20 responses', () => {
  assert.ok(readLineCases('dev').length >= 220);
  assert.ok(readLineCases('dev').filter(({ part }) => part).length >= 60);
  assert.ok(readResponseCases('dev').length >= 20);
});

test('the holdout split has 120 lines, of every gateway, and 30 responses', () => {
  const cases = readLineCases('holdout');
  assert.ok(cases.length >= 120, `${cases.length} lines`);
  assert.ok(readResponseCases('holdout').length >= 30);
  assert.deepEqual([...gateways].filter((gateway) => !cases.some((one) => one.gateway === gateway)).toSorted(), []);
});

for (const blind of blindSplits) {
  test(`the ${blind} split has 150 lines, 50 negatives and 60 responses, and about half of its lines are whole`, () => {
    const cases = readLineCases(blind);
    assert.ok(cases.length >= 150, `${cases.length} lines`);
    assert.ok(cases.filter(isNegative).length >= 50, `${cases.filter(isNegative).length} negatives`);
    assert.ok(readResponseCases(blind).length >= 60);
    const whole = cases.filter((one) => isWhole(blind, one)).length / cases.length;
    assert.ok(whole >= 0.4 && whole <= 0.6, `${whole} of the lines are whole`);
  });

  test(`no line of the ${blind} split is in another split`, () => {
    const known = new Set(
      splits.filter((split) => split !== blind).flatMap((split) => readLineCases(split).map(textOf)),
    );
    assert.deepEqual(
      readLineCases(blind)
        .map(textOf)
        .filter((text) => known.has(text)),
      [],
    );
  });
}

test('no line of the test split is in the dev split', () => {
  const known = new Set(readLineCases('dev').map(textOf));
  assert.deepEqual(
    readLineCases('test')
      .map(textOf)
      .filter((text) => known.has(text)),
    [],
  );
});

for (const split of splits) {
  test(`every line of ${split} has an expectation in known words`, () => {
    const texts = new Set<string>();
    for (const [index, one] of readLineCases(split).entries()) {
      assert.deepEqual(lineComplaints(one), [], `line ${index + 1}: ${textOf(one)}`);
      const text = `${one.logFormat ?? ''}\n${textOf(one)}`;
      assert.ok(!texts.has(text), `line ${index + 1} is there twice`);
      texts.add(text);
    }
  });

  test(`every response of ${split} has an author`, () => {
    for (const [index, one] of readResponseCases(split).entries())
      assert.deepEqual(responseComplaints(one), [], `response ${index + 1}`);
  });
}

test('the page about the corpus gives its true size', () => {
  const page = readFileSync(join(repositoryRoot, 'docs', 'explain', 'corpus.md'), 'utf8');
  const rows = page.split('\n').map((row) => row.split('|').map((cell) => cell.trim()));
  for (const split of splits) {
    const cells = rows.find((row) => row[1] === `\`${split}\``);
    assert.deepEqual(cells?.slice(3, 5), [`${readLineCases(split).length}`, `${readResponseCases(split).length}`]);
  }
});

test('a classifier that is right about every line is as good as claimed', () => {
  const found = score('test', truthful('test'));
  assert.deepEqual(found.wrong, []);
  assert.deepEqual([found.falseAlarms, found.guesses, shortOfClaim(found)], [[], [], null]);
  assert.deepEqual([found.stage[0], found.born[0], found.passed[0]], [found.stage[1], found.born[1], found.passed[1]]);
});

/** The numbers of a split of 200 lines, 100 of them whole, and 100 responses that reach each threshold, but not more. */
const atThresholds: Partial<Score> = {
  lines: 200,
  right: { kind: 0, shape: 180, type: 0 },
  whole: { lines: 100, certain: 60, certainButWrong: 0 },
  falseAlarms: [],
  responses: 100,
  authors: 85,
};

const shortfalls: readonly (readonly [why: string, changes: Partial<Score>, says: RegExp | null])[] = [
  ['as good as claimed', {}, null],
  ['too few shapes', { right: { kind: 200, shape: 179, type: 200 } }, /shape of 179/],
  ['too few authors', { authors: 84 }, /author of 84/],
  ['too few certain verdicts', { whole: { lines: 100, certain: 59, certainButWrong: 0 } }, /59 of 100/],
  ['a certain verdict that is wrong', { whole: { lines: 100, certain: 60, certainButWrong: 1 } }, /wrong: 1/],
  ['a false alarm', { falseAlarms: ['a line'] }, /false alarms: 1/],
];

for (const blind of blindSplits)
  for (const [why, changes, says] of shortfalls)
    test(`the claim for the ${blind} split has thresholds of its own: ${why}`, () => {
      const short = shortOfClaim({ ...score(blind, truthful(blind)), ...atThresholds, ...changes }, blind);
      if (says === null) assert.equal(short, null);
      else assert.match(short ?? '', says);
    });

test('one false alarm fails the claim, and a guess is no right answer', () => {
  const { explain, whose } = truthful('test');
  const negative = textOf(readLineCases('test').find(isNegative) as LineCase);
  const accused = { kind: 'access', shape: 'unknown', type: null, stage: null, born: null };
  const alarming: Diagnose = {
    explain: (log, options) => (log === negative ? { lines: [accused] } : explain(log, options)),
    whose,
  };
  assert.equal(shortOfClaim(score('test', alarming)), 'false alarms: 1');
  const guessing: Diagnose = { explain: () => ({ lines: [{ ...accused, shape: 'too_slow' }] }), whose };
  const untold = readLineCases('test').filter(({ expect }) => expect.shape === 'unknown');
  assert.equal(score('test', guessing).guesses.length, untold.length);
});

test('a certain verdict on a whole line is counted, and whether it is wrong', () => {
  const { explain, whose } = truthful('holdout');
  const right = score('holdout', { explain: certainly(explain), whose });
  assert.deepEqual(right.whole, { lines: right.lines, certain: right.lines, certainButWrong: 0 });
  const garbage = certainly(() => ({
    lines: [{ kind: 'error', shape: 'garbage', type: null, stage: null, born: null }],
  }));
  const wrong = score('holdout', { explain: garbage, whose });
  assert.equal(wrong.whole.certain, wrong.lines);
  assert.equal(wrong.whole.certainButWrong, wrong.lines);
});

test('a line that is as right not to recognise is right if it is not recognised', () => {
  const tolerated = readLineCases('blind').filter(({ mayBeUnrecognised }) => mayBeUnrecognised);
  assert.ok(tolerated.length > 0);
  const found = score('blind', { explain: () => ({ lines: [null] }), whose: () => ({ author: 'nobody', passed: [] }) });
  assert.deepEqual([found.right.shape, found.right.type, found.falseAlarms], [tolerated.length, tolerated.length, []]);
});

test('the verdicts on the holdout split are as good as claimed', () => {
  const found = score('holdout', diagnose);
  assert.deepEqual([found.falseAlarms, found.guesses, shortOfClaim(found)], [[], [], null]);
});

test('a classifier that recognises nothing is right about nothing', () => {
  const found = score('holdout', {
    explain: () => ({ lines: [null] }),
    whose: () => ({ author: 'nobody', passed: [] }),
  });
  assert.deepEqual([found.right, found.authors], [{ kind: 0, shape: 0, type: 0 }, 0]);
  assert.notEqual(shortOfClaim(found), null);
});

function certainly(explain: Diagnose['explain']): Diagnose['explain'] {
  return (log, options) => ({
    lines: explain(log, options).lines.map((said) => said && { ...said, confidence: 'certain' }),
  });
}

/** A classifier that gives the expected verdict for every line and response of the split. */
function truthful(split: Split): Diagnose {
  const lines = new Map(readLineCases(split).map((one) => [`${one.logFormat ?? ''}\n${textOf(one)}`, one.expect]));
  const responses = new Map(readResponseCases(split).map((one) => [JSON.stringify(one), one.expect]));
  return {
    explain: (log, options) => {
      const expect = lines.get(`${options?.logFormat ?? ''}\n${log}`);
      assert.ok(expect !== undefined);
      const { kind, shape, type, stage = null, born = null } = expect;
      const first = { kind: `${listOf(kind)[0]}`, shape: `${listOf(shape)[0]}`, type: listOf(type)[0] ?? null };
      return { lines: [{ ...first, stage, born }] };
    },
    whose: (response) => {
      const { author, passed = [] } = responses.get(JSON.stringify(response)) ?? { author: 'nobody' };
      return { author: `${listOf(author)[0]}`, passed };
    },
  };
}

function lineComplaints(one: LineCase): string[] {
  const { expect } = one;
  const told = [
    gateways.has(one.gateway) || moreGateways.has(one.gateway) || `no gateway ${one.gateway}`,
    (one.line === undefined) !== (one.lines === undefined) || 'either a line or lines',
    textOf(one).trim() !== '' || 'no text',
    one.note.trim() !== '' || 'no note',
    listOf(expect.kind).every((kind) => ['access', 'error', 'event'].includes(kind)) || 'no such kind',
    listOf(expect.shape).every((shape) => shapes.has(shape)) || 'no such shape',
    listOf(expect.type).every((type) => type === null || Object.hasOwn(proxyErrors, type)) || 'no such type',
    expect.stage === undefined || stages.includes(expect.stage) || 'no such stage',
    expect.born === undefined || births.has(expect.born) || 'born nowhere',
  ].filter((complaint) => complaint !== true);
  return [...told, ...strayTypes(one)];
}

/** Types whose shape, by `#failures/proxy-error.ts`, is not among those of the case. */
function strayTypes({ expect }: LineCase): string[] {
  const right = new Set<string>(listOf(expect.shape));
  return listOf(expect.type)
    .filter((type) => type !== null && !right.has(proxyErrors[type].shape))
    .map((type) => `${type} is ${type === null ? '' : proxyErrors[type].shape}`);
}

function responseComplaints(one: ResponseCase): string[] {
  return [
    (one.status >= 200 && one.status <= 599) || 'no such status',
    Object.values(one.headers).every((value) => typeof value === 'string') || 'a field without text',
    listOf(one.expect.author).every((author) => /^[a-z]+(?:-[a-z]+)*$/.test(author)) || 'no such author',
    one.note.trim() !== '' || 'no note',
  ].filter((complaint) => complaint !== true);
}
