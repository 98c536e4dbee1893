import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTestFiles, type TestLimits } from '../../scripts/run-test-files.ts';
import type { TestOrder } from '../../scripts/test-order.ts';
import { TestReport } from '../../scripts/test-report.ts';

/** What one `npm test` of these tests runs with. */
export interface SomeRun {
  readonly limits: TestLimits;
  readonly order: TestOrder;
  readonly complete: boolean;
  /** Above this the run fails. */
  readonly cpuMsMax?: number;
  /** The peers count as prepared once this file exists. */
  readonly preparedFile: string;
}

/** `node run-some.ts <SomeRun as JSON>` */
const { limits, order, complete, cpuMsMax, preparedFile } = JSON.parse(process.argv[2] ?? '') as SomeRun;
const prepared = async (): Promise<void> => {
  while (!existsSync(preparedFile)) await sleep(20);
};
const report = new TestReport(console.log, {
  ...{ withDiagnostics: false, complete, leftOut: 0 },
  cpuBudget: { msMax: cpuMsMax ?? Number.POSITIVE_INFINITY, fails: true },
});
await runTestFiles(order, limits, report, prepared());
process.exitCode = report.finish(0.25) ? 0 : 1;
