import { gatewayNames, type GatewayName } from './gateways.ts';
import { type Figures, type Run, ratioBetween, titles } from './report.ts';
import type { Ratio } from './statistics.ts';
import { type Work, works } from './works.ts';

// Two columns of small charts, one for each work, with a bar for each gateway and a thin line from its lowest to its highest
// figure.

const width = 900;
const columnWidth = width / 2;
const topHeight = 56;
const titleHeight = 24;
const rowHeight = 17;
const groupGap = 22;
const barLeft = 142;
/** Longer bars are truncated, and their end shows it. */
const timesMax = 5;
const unit = 48;
/** Keeps figures off the line of nginx. */
const valueLeft = barLeft + unit + 6;

/** Shared by all plots: light and dark. */
export const plotStyle = `
.ground { fill: #ffffff } text { fill: #1f2933; font: 12px system-ui, sans-serif } .quiet { fill: #52606d }
.title { font-weight: 600; font-size: 13px } .head { font-weight: 600; font-size: 15px }
.bar { fill: #b8c2cc } .ours { fill: #0b7a57 } .oursText { font-weight: 600 }
.spread { stroke: #1f2933; stroke-width: 1.2 } .one { stroke: #52606d; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } text { fill: #e6edf3 } .quiet { fill: #9da7b3 } .bar { fill: #4a5561 } .ours { fill: #2fb287 }
.spread { stroke: #e6edf3 } .one { stroke: #9da7b3 } }
`.trim();

/** CPU per request as a multiple of nginx with its default log, in light or dark mode. */
export function plot({ runs }: Figures): string {
  const gateways = gatewayNames.filter((name) => runs.some(({ gateway }) => gateway === name));
  const shown = works.filter(({ name }) => ratioBetween(runs, name, 'nginx', 'nginx') !== null);
  const groupHeight = titleHeight + gateways.length * rowHeight + groupGap;
  const height = topHeight + Math.ceil(shown.length / 2) * groupHeight;
  const groups = shown.map((work, index) => {
    const [left, top] = [(index % 2) * columnWidth, topHeight + Math.floor(index / 2) * groupHeight];
    return `<g transform="translate(${left} ${top})">\n${group(work, gateways, runs)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="CPU per request as a multiple of nginx">
<style>
${plotStyle}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${svgText(16, 24, 'CPU per request, as a multiple of nginx', 'head')}
${svgText(16, 42, 'Shorter is better. Thin lines go from the least to the most of the rounds; the dashed one is nginx.', 'quiet')}
${groups.join('\n')}
</svg>
`;
}

function group(work: Work, gateways: readonly GatewayName[], runs: readonly Run[]): string {
  const rows = gateways.map((gateway, index) => {
    const ratio = ratioBetween(runs, work.name, gateway, 'nginx');
    return row(gateway, ratio, titleHeight + index * rowHeight);
  });
  const one = barLeft + unit;
  const bottom = titleHeight + gateways.length * rowHeight;
  return [
    svgText(16, 14, work.title, 'title'),
    ...rows,
    `<line class="one" x1="${one}" y1="${titleHeight - 4}" x2="${one}" y2="${bottom}"/>`,
  ].join('\n');
}

function row(gateway: GatewayName, ratio: Ratio | null, y: number): string {
  const weight = gateway === 'candor' ? 'oursText' : '';
  const label = svgText(barLeft - 8, y + 11, titles[gateway], weight, 'end');
  if (ratio === null) return `${label}\n${svgText(valueLeft, y + 11, 'not measured', 'quiet')}`;
  const end = barLeft + Math.min(ratio.median, timesMax) * unit;
  const isCut = ratio.median > timesMax;
  const right = isCut ? `L${end + 6} ${y + 6.5} L${end} ${y + 13}` : `V${y + 13}`;
  const bar = `<path class="bar${gateway === 'candor' ? ' ours' : ''}" d="M${barLeft} ${y} H${end.toFixed(1)} ${right} H${barLeft} Z"/>`;
  const last = isCut ? end + 6 : Math.max(end, barLeft + Math.min(ratio.most, timesMax) * unit);
  return [
    label,
    bar,
    spread(ratio, y + 6.5),
    svgText(Math.max(last + 6, valueLeft), y + 11, `${ratio.median.toFixed(2)}×`, weight),
  ].join('\n');
}

function spread({ median, least, most }: Ratio, y: number): string {
  if (least === most || median > timesMax) return '';
  const [from, to] = [least, most].map((times) => (barLeft + Math.min(times, timesMax) * unit).toFixed(1));
  return `<line class="spread" x1="${from}" y1="${y}" x2="${to}" y2="${y}"/>`;
}

/** Text of a plot, escaped. */
export function svgText(x: number, y: number, words: string, kind = '', anchor = 'start'): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const end = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${x.toFixed(1)}" y="${y}"${kind === '' ? '' : ` class="${kind}"`}${end}>${safe}</text>`;
}
