import { plotStyle, svgText } from '../plot.ts';
import type { ClientRow } from './measure-clients.ts';
import { profiles, troubleMs, troubleStartMs } from './profiles.ts';

const style = `${plotStyle}
.failed { fill: #d64545 } .well { fill: #9fb3c8 } .trouble { fill: #d64545; opacity: 0.12 } .base { stroke: #9aa5b1; stroke-width: 1 }
@media (prefers-color-scheme: dark) { .failed { fill: #ef6a6a } .well { fill: #486581 } .base { stroke: #4a5561 } }`;

function svg(width: number, height: number, label: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<style>
${style}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${parts.join('\n')}
</svg>
`;
}

const at = (left: number, top: number, text: string): string =>
  `<g transform="translate(${left} ${top})">\n${text}\n</g>`;

const titleOf = ({ kind, configuration }: ClientRow): string =>
  configuration === 'configured' ? `${kind}, configured` : kind;

const shownOf = (rows: readonly ClientRow[]): readonly { name: string; rows: readonly ClientRow[] }[] =>
  profiles
    .map(({ name }) => ({ name, rows: rows.filter(({ profile }) => profile === name) }))
    .filter(({ rows: some }) => some.length > 0);

// Requests: two columns of small charts, one for each profile, with a bar for each client; red is what came twice.

const [columnWidth, topHeight, titleHeight, rowHeight, groupGap, barLeft, unit] = [
  450, 60, 24, 17, 22, 190, 90,
] as const;

/** Requests for each call, and POSTs that were executed twice. */
export function amplificationPlot(all: readonly ClientRow[]): string {
  const groups = shownOf(all);
  const most = Math.max(0, ...groups.map(({ rows }) => rows.length));
  const groupHeight = titleHeight + most * rowHeight + groupGap;
  const charts = groups.map(({ name, rows }, index) =>
    at(
      (index % 2) * columnWidth,
      topHeight + Math.floor(index / 2) * groupHeight,
      [
        svgText(16, 14, name, 'title'),
        ...rows.map((row, place) => requestsBar(row, titleHeight + place * rowHeight)),
      ].join('\n'),
    ),
  );
  return svg(2 * columnWidth, topHeight + Math.ceil(groups.length / 2) * groupHeight, 'Requests for each call', [
    svgText(16, 24, 'Requests that the service received, for each call', 'head'),
    svgText(16, 42, 'Shorter is better; 1.00 is needed. Red: POSTs that were executed twice.', 'quiet'),
    ...charts,
  ]);
}

function requestsBar(row: ClientRow, y: number): string {
  const share = row.requests / row.calls;
  const width = (share * unit).toFixed(1);
  const isOurs = row.kind === 'candor-client';
  const doubled = row.doubled === 0 ? '' : `, ${row.doubled} twice`;
  return [
    svgText(barLeft - 8, y + 11, titleOf(row), isOurs ? 'oursText' : '', 'end'),
    `<rect class="${row.doubled > 0 ? 'failed' : `bar${isOurs ? ' ours' : ''}`}" x="${barLeft}" y="${y}" width="${width}" height="13"/>`,
    svgText(barLeft + share * unit + 6, y + 11, `${share.toFixed(2)}${doubled}`, isOurs ? 'oursText' : ''),
  ].join('\n');
}

// Seconds: a row for each client, a column for each profile, and in each cell a bar for each second.

const [nameWidth, cellWidth, cellHeight, cellGap, headHeight] = [200, 150, 34, 12, 78] as const;
const secondsShown = 40;

/** Requests in each second: what the service gets when it is back. */
export function secondsPlot(all: readonly ClientRow[]): string {
  const groups = shownOf(all);
  const titles = [...new Set(all.map(titleOf))];
  const left = (index: number): number => nameWidth + index * (cellWidth + cellGap);
  const rowsText = titles.map((title, place) => {
    const top = headHeight + place * (cellHeight + cellGap);
    const ours = title.startsWith('candor-client') ? 'oursText' : '';
    return svgText(nameWidth - 10, top + cellHeight / 2 + 4, title, ours, 'end');
  });
  const cells = groups.flatMap(({ rows }, index) => {
    const most = Math.max(1, ...rows.flatMap(({ perSecond }) => perSecond));
    return rows.map((row) =>
      at(left(index), headHeight + titles.indexOf(titleOf(row)) * (cellHeight + cellGap), secondsChart(row, most)),
    );
  });
  return svg(left(groups.length), headHeight + titles.length * (cellHeight + cellGap), 'Requests in each second', [
    svgText(16, 24, 'Requests in each second', 'head'),
    svgText(16, 42, 'The red ground is the trouble. Each column has its own scale.', 'quiet'),
    ...groups.map(({ name }, index) => svgText(left(index), headHeight - 10, name, 'oursText')),
    ...rowsText,
    ...cells,
  ]);
}

function secondsChart({ perSecond, kind }: ClientRow, most: number): string {
  const step = cellWidth / secondsShown;
  const ground = `<rect class="trouble" x="${(troubleStartMs / 1000) * step}" y="0" width="${(troubleMs / 1000) * step}" height="${cellHeight}"/>`;
  const bars = perSecond.slice(0, secondsShown).map((count, second) => {
    const height = (count / most) * cellHeight;
    return `<rect class="${kind === 'candor-client' ? 'ours' : 'well'}" x="${(second * step).toFixed(1)}" y="${(cellHeight - height).toFixed(1)}" width="${(step - 0.7).toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  const base = `<line class="base" x1="0" y1="${cellHeight}" x2="${cellWidth}" y2="${cellHeight}"/>`;
  return [ground, base, ...bars].join('\n');
}
