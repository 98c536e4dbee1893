import type { UsageNow } from '../core/schemas/usage.ts';
import { countText, memoryText } from '#failures/quantity-text.ts';
import { durationText, harmless, shorten, padTo, widthOf } from './layout.ts';
import type { Style } from './style.ts';

type Row = UsageNow['rows'][number];

/** What rows may be sorted by, in the order of the key `s`. */
export const topOrders = ['name', 'cpu', 'memory', 'requests', 'errors'] as const;
export type TopOrder = (typeof topOrders)[number];

const valueOf: Readonly<Record<Exclude<TopOrder, 'name'>, (row: Row) => number>> = {
  cpu: ({ cores }) => cores ?? 0,
  memory: (row) => (row.kind === 'storage' ? 0 : row.memoryBytes),
  requests: ({ requestsPerS }) => requestsPerS,
  errors: ({ errorsPerS }) => errorsPerS,
};

const heads = ['CPU', 'MEM', 'RST', 'REQ/S', 'ERR/S', 'P50', 'P99'] as const;
const widths = [7, 8, 4, 7, 6, 8, 8] as const;
const nameWidth = 80 - widths.reduce((sum, width) => sum + width, 0) - heads.length;

/** The table of `candor top`, in 80 columns. Programs stand below what they belong to. */
export function topLines({ rows }: Pick<UsageNow, 'rows'>, order: TopOrder, style: Style): readonly string[] {
  if (rows.length === 0) return ['No program of an application runs, and none gets requests.'];
  const head = lineOf(['APPLICATION', ...heads]);
  return [
    style.bold(head),
    ...sorted(rows, order).flatMap((row) => rowLines(row, style)),
    '',
    style.dim(summaryOf(rows)),
  ];
}

function sorted(rows: readonly Row[], order: TopOrder): readonly Row[] {
  // The gateway has sorted them by name.
  return order === 'name' ? rows : rows.toSorted((a, b) => valueOf[order](b) - valueOf[order](a));
}

function rowLines(row: Row, style: Style): readonly string[] {
  const { application, kind, name, release, cores, memoryBytes, restarts, errorsPerS, programs } = row;
  if (kind === 'storage') return [lineOf([`${harmless(application)} (disk)`, '', memoryText(memoryBytes)])];
  const own = name === '' ? application : `${application}.${name}`;
  const takesRequests = kind === 'instances';
  // Files alone answer, or all instances are stopped.
  const hasPrograms = programs.length > 0;
  const cells = [
    harmless(release === '' ? own : `${own} ${release}`),
    hasPrograms ? cpuText(cores) : '',
    hasPrograms ? memoryText(memoryBytes) : '',
    hasPrograms ? String(restarts) : '',
    takesRequests ? rateText(row.requestsPerS) : '',
    takesRequests ? rateText(errorsPerS) : '',
    row.p50Ms === null ? '' : durationText(row.p50Ms),
    row.p99Ms === null ? '' : durationText(row.p99Ms),
  ];
  const line = lineOf(cells);
  const below = programs.map(({ id, pid, cores: own_, memoryBytes: bytes }) =>
    style.dim(lineOf([`  ${harmless(id)} (${pid})`, cpuText(own_), memoryText(bytes)])),
  );
  return [errorsPerS > 0 ? style.warn(line) : line, ...below];
}

/** Of one core. */
function cpuText(cores: number | null): string {
  return cores === null ? '…' : `${(cores * 100).toFixed(cores < 0.1 ? 1 : 0)} %`;
}

function rateText(perS: number): string {
  return perS >= 100 ? String(Math.round(perS)) : perS.toFixed(1);
}

function lineOf([name = '', ...cells]: readonly string[]): string {
  const shown = cells.map((cell, column) => ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))) + cell);
  return [padTo(shorten(name, nameWidth), nameWidth), ...shown].join(' ').trimEnd();
}

function summaryOf(rows: readonly Row[]): string {
  const programs = rows.flatMap((row) => row.programs);
  const cores = programs.reduce((sum, { cores: own }) => sum + (own ?? 0), 0);
  const bytes = programs.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  return `${countText(programs.length, 'program')}: ${cpuText(cores)} of a core, ${memoryText(bytes)}. RST: restarts of the last day`;
}
