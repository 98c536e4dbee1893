import { plotStyle, svgText } from '../plot.ts';
import { titles } from '../report.ts';
import type { StormFigures } from './figures.ts';
import { stormGateways } from './gateways.ts';
import { type Storm, storms } from './storms.ts';
import { cellsOf } from './table.ts';

const head = [
  'failed',
  'wrong',
  'twice',
  'attempts per request',
  'good/s',
  'p50 ms',
  'p99 ms',
  'until well',
  'with `Retry-After`',
];

/** The section with a table for each storm. */
export function stormSection(figures: readonly StormFigures[], circumstances: string): string[] {
  const tables = storms.flatMap((storm) =>
    tableOf(
      storm,
      figures.filter((one) => one.storm === storm.name),
    ),
  );
  const text = `## While origins restart, fail, disappear or have too much to do

Measured by \`npm run bench:storms\` (${circumstances}). Each gateway has the same limits of time (1 s to connect, 2 s for an answer), two
attempts, a health check each second where it has one, and detection of failures of requests
([configurations](../bench/storms/gateways.ts)). The load is sent at a fixed rate, a third of it POSTs, and timed from when each request was due.

*failed*: requests without a complete 200. *wrong*: statuses that do not say what happened, and bodies that belong to another request.
*twice*: POSTs that an origin executed although it, or another one, had executed them before. *attempts per request*: what origins got,
refused connections included. *p50*, *p99*: of requests that went well. *until well*: from the beginning of trouble to the last failure; after
the outage, until as many requests a second go well as before. *with Retry-After*: of the 503 and 429 of the gateway itself.

![Failed requests in each storm: the tables have the figures](../bench/storms/storms.svg)

${tables.join('\n\n')}`;
  return text.split('\n');
}

function tableOf(storm: Storm, figures: readonly StormFigures[]): string[] {
  if (figures.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = figures.map((one) => line([titles[one.gateway], ...cellsOf(one)]));
  const table = [line(['', ...head]), line(['---', ...head.map(() => '---:')]), ...rows].join('\n');
  const candor = figures.find(({ gateway }) => gateway === 'candor');
  const verdict = candor === undefined ? '' : ` Candor: ${storm.isMet(candor) ? 'met' : '**missed**'}.`;
  return [`**${storm.name}**: ${storm.title}. Asked of Candor: ${storm.asked}.${verdict}\n\n${table}`];
}

// Two columns of small charts, one for each storm, with a bar for each gateway.

const columnWidth = 450;
const [topHeight, titleHeight, rowHeight, groupGap] = [56, 24, 17, 22] as const;
const [barLeft, barWidth] = [80, 280] as const;

/** The share of requests that failed. */
export function stormPlot(figures: readonly StormFigures[]): string {
  const shown = storms.filter(({ name }) => figures.some(({ storm }) => storm === name));
  const groupHeight = titleHeight + stormGateways.length * rowHeight + groupGap;
  const height = topHeight + Math.ceil(shown.length / 2) * groupHeight;
  const groups = shown.map(({ name }, index) => {
    const [left, top] = [(index % 2) * columnWidth, topHeight + Math.floor(index / 2) * groupHeight];
    const some = figures.filter(({ storm }) => storm === name);
    return `<g transform="translate(${left} ${top})">\n${group(name, some)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * columnWidth} ${height}" role="img" aria-label="Failed requests in each storm">
<style>
${plotStyle}
</style>
<rect class="ground" width="${2 * columnWidth}" height="${height}"/>
${svgText(16, 24, 'Requests that failed, of all requests', 'head')}
${svgText(16, 42, 'Shorter is better. The whole width is 100 %.', 'quiet')}
${groups.join('\n')}
</svg>
`;
}

function group(name: string, figures: readonly StormFigures[]): string {
  const rows = figures.map(({ gateway, requests, ok }, index) => {
    const share = requests === 0 ? 0 : (requests - ok) / requests;
    const y = titleHeight + index * rowHeight;
    const weight = gateway === 'candor' ? 'oursText' : '';
    const width = (share * barWidth).toFixed(1);
    return [
      svgText(barLeft - 8, y + 11, titles[gateway], weight, 'end'),
      `<rect class="bar${gateway === 'candor' ? ' ours' : ''}" x="${barLeft}" y="${y}" width="${width}" height="13"/>`,
      svgText(barLeft + share * barWidth + 6, y + 11, `${(100 * share).toFixed(1)} %`, weight),
    ].join('\n');
  });
  return [svgText(16, 14, name, 'title'), ...rows].join('\n');
}
