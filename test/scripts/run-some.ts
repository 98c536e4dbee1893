import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestPlan } from '../../scripts/plan-test-files.ts';
import { runTestFiles, type TestLimits } from '../../scripts/run-test-files.ts';
import { TestReport } from '../../scripts/test-report.ts';

/**
 * `node run-some.ts <limits as JSON> <plan as JSON> [<file>]`: what `npm test` does, with other limits and other files;
 * all is prepared when the file is there.
 */
const [limits = '{}', plan = '{}', sign = import.meta.filename] = process.argv.slice(2);
const isThere = async (): Promise<void> => {
  while (!existsSync(sign)) await sleep(20);
};
const report = new TestReport(console.log, false);
await runTestFiles(JSON.parse(plan) as TestPlan, JSON.parse(limits) as TestLimits, report, isThere());
process.exitCode = report.finish() ? 0 : 1;
