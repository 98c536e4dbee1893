import { runTestFiles, type TestLimits } from '../../scripts/run-test-files.ts';
import { TestReport } from '../../scripts/test-report.ts';

/** `node run-some.ts <limits as JSON> <test files>`: what `npm test` does, with other limits and other files. */
const [limits = '{}', ...files] = process.argv.slice(2);
const report = new TestReport(console.log, false);
await runTestFiles(files, JSON.parse(limits) as TestLimits, report);
process.exitCode = report.finish() ? 0 : 1;
