import { logFormats } from '../../core/log-formats.ts';
import type { Fix } from '#explain/finding.ts';
import type { SummaryReport } from '#explain/summary-report.ts';
import { logOfConfiguration } from '../log-of-configuration.ts';
import { type ProcessContext } from '../process-context.ts';
import type { LogSource } from './log-source.ts';

/** Candor writes these lines as other gateways do, so their fix would be that of another gateway. */
const combinedFormat = /access log \((?:combined|main)\)$/;

/** What Candor leaves in place of the value of a query ("…"). */
const removedValue = '\\xE2\\x80\\xA6';

const ownFix: Fix = {
  text:
    'Set `log.format: json` in the configuration of Candor, which wrote these lines with `log.format: combined`: ' +
    'only records have causes and request ids',
  snippet: 'log: { format: json }',
};

/** The report with another fix for unknown causes, if Candor itself wrote the log in the combined format. */
export async function withOwnFormat(
  report: SummaryReport,
  sources: readonly LogSource[],
  context: ProcessContext,
): Promise<SummaryReport> {
  const theirs = report.hints.filter(({ format }) => combinedFormat.test(format));
  if (theirs.length === 0 || !(hasRemovedValues(report) || (await areOfConfiguration(sources, context)))) return report;
  const fixed = <T extends { readonly fix: Fix | null }>(one: T): T =>
    theirs.some(({ fix }) => fix.text === one.fix?.text) ? { ...one, fix: ownFix } : one;
  return { ...report, byCause: report.byCause.map(fixed), hints: report.hints.map(fixed) };
}

function hasRemovedValues({ byCause }: SummaryReport): boolean {
  return byCause.some(({ examples }) => examples.some(({ text }) => text.includes(removedValue)));
}

/** Whether they are the log of the configuration in this folder, or its rotated files. */
async function areOfConfiguration(sources: readonly LogSource[], context: ProcessContext): Promise<boolean> {
  const log = await logOfConfiguration('candor.yaml', context);
  if (log === null || logFormats[log.format].holdsRecords) return false;
  return sources.every(({ path }) => path === log.path || path?.startsWith(`${log.path}.`));
}
