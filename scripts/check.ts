import { checks, runCheck } from './checks.ts';

/** Runs every check, also after one has failed, so that one run reports all problems. */
let failed = 0;
for (const check of checks) {
  const result = runCheck(check);
  console.log(`${result.passed ? '✔' : '✖'} ${check.promise}`);
  if (result.passed) continue;
  failed++;
  console.log(result.output.trimEnd());
}
process.exitCode = failed === 0 ? 0 : 1;
