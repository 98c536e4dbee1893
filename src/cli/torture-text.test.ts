import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notJudged, type TortureReport } from '../testing/torture/torture.ts';
import { scoreOf } from '../testing/torture/score.ts';
import type { SeenRun, TortureRun } from '../testing/torture/torture-run.ts';
import { styleFor } from './style.ts';
import { tortureLines } from './torture-text.ts';

const seen: SeenRun = {
  status: 504,
  interim: [],
  by: 'gateway',
  completeness: 'complete',
  ms: 700,
  origin_saw: 1,
  reused_at_origin: false,
  proxy_status: null,
  errors_named: [],
  cause_named: null,
  server: null,
  body_bytes: 0,
  excerpt: '',
  stray_bytes: 0,
  next_request: 'fine',
};
const run = (more: Partial<TortureRun>): TortureRun => ({
  case: 'close-delimited',
  part: 'body',
  group: 'plain',
  does: 'ends its body by closing',
  method: 'GET',
  body_bytes: 0,
  on: 'fresh',
  verdict: null,
  why: notJudged,
  seen,
  ...more,
});

test('an exchange during which the suite was held up is listed apart from parts without a route, and has no points', () => {
  const runs = [
    run({}),
    run({ on: 'reused' }),
    run({ case: 'refused', group: 'refused', seen: null, why: 'No route.' }),
  ];
  const score = scoreOf(runs);
  assert.deepEqual([score.not_judged, score.not_set_up, score.misleading], [2, 1, 0]);
  const report: TortureReport = {
    ...{ schema: 2, gateway: 'http://localhost/', at: '', timeout_ms: 1000, finished: true, groups: [] },
    ...{ score, runs },
  };
  const plain = { write: () => {}, isTTY: false };
  const text = tortureLines(report, styleFor(plain, {})).join('\n');
  assert.match(text, /^Not set up:\n {2}No route\.\n\n {2}Not judged: [\s\S]*busy\?\n {4}close-delimited GET\n/m);
});
