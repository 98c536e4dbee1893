import { checks, runCheck } from './checks.ts';
import { PassedChecks } from './passed-checks.ts';

/** Runs every check, also after one has failed, so that one run reports all problems. */
const passedChecks = new PassedChecks();
let failed = 0;
for (const check of checks) {
  const result = runCheck(check, passedChecks);
  const before = result.ran ? '' : ' (passed before, with the same files)';
  console.log(`${result.passed ? '✔' : '✖'} ${check.promise}${before}`);
  if (result.passed) continue;
  failed++;
  console.log(result.output.trimEnd());
}
process.exitCode = failed === 0 ? 0 : 1;
