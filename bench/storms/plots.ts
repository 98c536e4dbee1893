import { plotStyle, svgText } from '../plot.ts';
import { titles } from '../report.ts';
import { stormGateways } from './configurations.ts';
import type { StormRow } from './results.ts';
import { storms } from './storms.ts';

function svg(width: number, height: number, label: string, style: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
<style>
${plotStyle}${style}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${parts.join('\n')}
</svg>
`;
}

function at(left: number, top: number, text: string): string {
  return `<g transform="translate(${left} ${top})">\n${text}\n</g>`;
}

/** The storms that rows have, with these. */
function groupsOf(rows: readonly StormRow[]): { readonly name: string; readonly rows: readonly StormRow[] }[] {
  return storms
    .map(({ name }) => ({ name, rows: rows.filter(({ storm }) => storm === name) }))
    .filter(({ rows: some }) => some.length > 0);
}

// Failures: two columns of small charts, one for each storm, with a bar for each gateway.

const columnWidth = 450;
const [topHeight, titleHeight, rowHeight, groupGap] = [56, 24, 17, 22] as const;
const [barLeft, barWidth] = [80, 280] as const;

/** The share of requests that failed. */
export function failedPlot(all: readonly StormRow[]): string {
  const groups = groupsOf(all);
  const groupHeight = titleHeight + stormGateways.length * rowHeight + groupGap;
  const height = topHeight + Math.ceil(groups.length / 2) * groupHeight;
  const charts = groups.map(({ name, rows }, index) =>
    at((index % 2) * columnWidth, topHeight + Math.floor(index / 2) * groupHeight, failedChart(name, rows)),
  );
  return svg(2 * columnWidth, height, 'Failed requests in each storm', '', [
    svgText(16, 24, 'Requests that failed, of all requests', 'head'),
    svgText(16, 42, 'Shorter is better. The whole width is 100 %.', 'quiet'),
    ...charts,
  ]);
}

function failedChart(name: string, rows: readonly StormRow[]): string {
  const bars = rows.map(({ gateway, requests, ok }, index) => {
    const share = requests === 0 ? 0 : (requests - ok) / requests;
    const y = titleHeight + index * rowHeight;
    const weight = gateway === 'candor' ? 'oursText' : '';
    const width = (share * barWidth).toFixed(1);
    const digits = share > 0 && share < 0.001 ? 2 : 1;
    return [
      svgText(barLeft - 8, y + 11, titles[gateway], weight, 'end'),
      `<rect class="bar${gateway === 'candor' ? ' ours' : ''}" x="${barLeft}" y="${y}" width="${width}" height="13"/>`,
      svgText(barLeft + share * barWidth + 6, y + 11, `${(100 * share).toFixed(digits)} %`, weight),
    ].join('\n');
  });
  return [svgText(16, 14, name, 'title'), ...bars].join('\n');
}

// Seconds: a row for each storm, a column for each gateway, and in each cell a bar for each second.

const [nameWidth, cellWidth, cellHeight, cellGap, headHeight] = [176, 166, 46, 16, 78] as const;

const secondsStyle = `
.well { fill: #9fb3c8 } .failed { fill: #d64545 } .base { stroke: #9aa5b1; stroke-width: 1 }
@media (prefers-color-scheme: dark) { .well { fill: #486581 } .failed { fill: #ef6a6a } .base { stroke: #4a5561 } }`;

/** What became of the requests of each second. */
export function secondsPlots(all: readonly StormRow[]): string {
  const groups = groupsOf(all);
  const width = nameWidth + stormGateways.length * (cellWidth + cellGap);
  const left = (index: number): number => nameWidth + index * (cellWidth + cellGap);
  const parts = groups.flatMap(({ name, rows }, index) => {
    const top = headHeight + index * (cellHeight + cellGap);
    const most = Math.max(1, ...rows.flatMap(({ perSecond }) => perSecond.map(([ok, failed]) => ok + failed)));
    const cells = rows.map((row) => at(left(stormGateways.indexOf(row.gateway)), top, secondsChart(row, most)));
    return [svgText(16, top + cellHeight / 2 + 4, name, 'title'), ...cells];
  });
  return svg(
    width,
    headHeight + groups.length * (cellHeight + cellGap),
    'What became of the requests of each second, by storm and gateway',
    secondsStyle,
    [
      svgText(16, 24, 'What became of the requests of each second', 'head'),
      svgText(
        16,
        42,
        'Gray: a complete 200. Red: anything else. By when requests were due; each row has its own scale.',
        'quiet',
      ),
      ...stormGateways.map((name, index) =>
        svgText(left(index), headHeight - 10, titles[name], name === 'candor' ? 'oursText' : ''),
      ),
      ...parts,
    ],
  );
}

function secondsChart({ perSecond }: StormRow, most: number): string {
  const step = cellWidth / perSecond.length;
  const barOf = (kind: string, index: number, count: number, below: number): string => {
    const [height, y] = [(count / most) * cellHeight, cellHeight - ((count + below) / most) * cellHeight];
    const x = (index * step).toFixed(1);
    const width = Math.max(0.5, step - 1).toFixed(1);
    return `<rect class="${kind}" x="${x}" y="${y.toFixed(1)}" width="${width}" height="${height.toFixed(1)}"/>`;
  };
  const bars = perSecond.flatMap(([ok, failed], index) => [
    ...(ok > 0 ? [barOf('well', index, ok, 0)] : []),
    ...(failed > 0 ? [barOf('failed', index, failed, ok)] : []),
  ]);
  const base = `<line class="base" x1="0" y1="${cellHeight}" x2="${cellWidth}" y2="${cellHeight}"/>`;
  return [base, ...bars].join('\n');
}
