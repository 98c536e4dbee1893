import { type SnakeCased, snakeCased } from '../../failures/src/json-case.ts';
import type { SummaryReport } from './summary-report.ts';

/** Times of the report, which are milliseconds since the Unix epoch in code. */
const timeKeys: Readonly<Record<string, string>> = {
  first_ms: 'first_at',
  last_ms: 'last_at',
  start_ms: 'start_at',
  end_ms: 'end_at',
  at_ms: 'at',
};

/** The report as JSON for programs: keys in snake_case, times in ISO 8601. `docs/explain/report.md` describes it. */
export function reportJson(report: SummaryReport): unknown {
  return withTimes(snakeCased(report) satisfies SnakeCased<SummaryReport>);
}

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const timeKey = timeKeys[key];
      return timeKey === undefined ? [key, withTimes(inner)] : [timeKey, timeText(inner)];
    }),
  );
}

function timeText(ms: unknown): string | null {
  return typeof ms === 'number' ? new Date(ms).toISOString() : null;
}
