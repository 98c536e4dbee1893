import type { TestPlan } from '../../scripts/plan-test-files.ts';
import { runTestFiles, type TestLimits } from '../../scripts/run-test-files.ts';
import { TestReport } from '../../scripts/test-report.ts';

/** `node run-some.ts <limits as JSON> <plan as JSON>`: what `npm test` does, with other limits and other files. */
const [limits = '{}', plan = '{}'] = process.argv.slice(2);
const report = new TestReport(console.log, false);
await runTestFiles(JSON.parse(plan) as TestPlan, JSON.parse(limits) as TestLimits, report);
process.exitCode = report.finish() ? 0 : 1;
