import type { ClientRow } from './measure-clients.ts';

const columns = [
  'client',
  'configuration',
  'calls that succeed',
  'requests / calls',
  'refused / calls',
  'POSTs executed twice',
  'p50',
  'p99',
  'recovery',
  'peak',
] as const;

/** Markdown; plain enough for a terminal. */
export function clientsTable(rows: readonly ClientRow[]): string {
  const cells = rows.map((row) => [
    row.kind,
    row.configuration,
    `${((100 * row.succeeded) / row.calls).toFixed(1)} %`,
    (row.requests / row.calls).toFixed(2),
    (row.refused / row.calls).toFixed(2),
    String(row.doubled),
    secondsText(row.p50Ms),
    secondsText(row.p99Ms),
    secondsText(row.recoveryMs),
    `${row.peak.toFixed(1)} ×`,
  ]);
  const lines = [columns, columns.map((_, index) => (index < 2 ? '---' : '---:')), ...cells];
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`;
}

/** JSON has null for what is without end. */
function secondsText(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return 'never';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
