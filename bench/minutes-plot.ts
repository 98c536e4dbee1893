import { type Minute, minuteGateways, type MinuteGateway, percentiles } from './minutes-verdict.ts';
import { plotStyle, svgText } from './plot.ts';

// A chart of the percentiles of each minute on a logarithmic scale: one panel for each gateway, with the same scale. Gray
// columns are minutes that were not quiet.

const width = 900;
const [left, right, topHeight, panelHeight, panelGap] = [64, 84, 56, 190, 40];
const dashes = ['', '6 3', '2 3'];

export function minutesPlot(minutes: readonly Minute[], title: string): string {
  const values = minutes.flatMap((one) => percentiles.map(({ of }) => one[of])).filter((value) => value > 0);
  const scale = { low: Math.floor(Math.log10(Math.min(...values))), high: Math.ceil(Math.log10(Math.max(...values))) };
  if (values.length === 0 || scale.low === scale.high) scale.high = (values.length === 0 ? 0 : scale.low) + 1;
  if (values.length === 0) scale.low = 0;
  const last = Math.max(2, ...minutes.map(({ minute }) => minute));
  const height = topHeight + minuteGateways.length * (panelHeight + panelGap);
  const panels = minuteGateways.map((gateway, index) => {
    const own = minutes.filter((one) => one.gateway === gateway);
    const top = topHeight + index * (panelHeight + panelGap);
    return `<g transform="translate(0 ${top})">\n${panel(gateway, own, scale, last)}\n</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<style>
${plotStyle}
.line { fill: none; stroke: #b8c2cc; stroke-width: 1.6 } .line.oursLine { stroke: #0b7a57 } .apart { fill: #b8c2cc; opacity: .35 }
</style>
<rect class="ground" width="${width}" height="${height}"/>
${svgText(16, 24, title, 'head')}
${svgText(16, 42, 'Milliseconds from when a request was due, by minute. Gray columns: minutes that were not quiet.', 'quiet')}
${panels.join('\n')}
</svg>
`;
}

interface Scale {
  /** Powers of ten, in milliseconds. */
  readonly low: number;
  readonly high: number;
}

function panel(gateway: MinuteGateway, own: readonly Minute[], { low, high }: Scale, last: number): string {
  const x = (minute: number): number => left + ((minute - 1) / (last - 1)) * (width - left - right);
  const y = (ms: number): number =>
    panelHeight - ((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)) * panelHeight;
  const parts = [svgText(left, -6, gateway === 'candor' ? 'Candor' : 'nginx', 'title')];
  for (let power = low; power <= high; power++) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<line class="one" x1="${left}" y1="${at}" x2="${width - right}" y2="${at}"/>`);
    parts.push(svgText(left - 8, Number(at) + 4, `${10 ** power} ms`, 'quiet', 'end'));
  }
  for (const { minute, why } of own)
    if (why !== null)
      parts.push(`<rect class="apart" x="${(x(minute) - 3).toFixed(1)}" y="0" width="6" height="${panelHeight}"/>`);
  for (const [index, { of, name }] of percentiles.entries()) {
    const points = own.map((one) => `${x(one.minute).toFixed(1)},${y(one[of]).toFixed(1)}`).join(' ');
    const kind = gateway === 'candor' ? 'line oursLine' : 'line';
    parts.push(`<polyline class="${kind}" stroke-dasharray="${dashes[index]}" points="${points}"/>`);
    const end = own.at(-1);
    if (end !== undefined) parts.push(svgText(width - right + 8, y(end[of]) + 4, name, 'quiet'));
  }
  return parts.join('\n');
}
