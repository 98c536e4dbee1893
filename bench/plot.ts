import { gatewayNames, type GatewayName } from './gateways.ts';
import { cpuOf, type Figures, titles } from './report.ts';
import { works } from './works.ts';

/** One group of bars for each work: CPU per request as a multiple of nginx with its default log. Bars end at 8. */
export function plot({ runs }: Figures): string {
  const gateways: readonly GatewayName[] = gatewayNames.filter((name) => runs.some(({ gateway }) => gateway === name));
  const shown = works.filter(({ name }) => cpuOf(runs, name, 'nginx') !== null);
  const [left, barHeight, gap, unit, most] = [210, 13, 22, 60, 8];
  const parts: string[] = [];
  let y = 34;
  for (const { name, title } of shown) {
    const nginx = cpuOf(runs, name, 'nginx') as number;
    parts.push(text(8, y + barHeight - 3, title, 'bold'));
    for (const gateway of gateways) {
      const cpu = cpuOf(runs, name, gateway);
      if (cpu === null) continue;
      const times = cpu / nginx;
      const width = Math.min(times, most) * unit;
      const colour = gateway === 'candor' ? '#0b6e4f' : '#9aa5b1';
      parts.push(`<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${barHeight - 2}" fill="${colour}"/>`);
      parts.push(text(left + width + 5, y + barHeight - 3, `${times.toFixed(2)}× ${titles[gateway]}`));
      y += barHeight;
    }
    y += gap;
  }
  parts.push(
    `<line x1="${left + unit}" y1="24" x2="${left + unit}" y2="${y - gap + 4}" stroke="#1f2933" stroke-dasharray="3 3"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 ${y}" font-family="sans-serif" font-size="11" role="img" aria-label="CPU per request as a multiple of nginx">
<rect width="900" height="${y}" fill="#ffffff"/>
${text(left, 16, 'CPU per request, as a multiple of nginx (shorter is better)', 'bold')}
${parts.join('\n')}
</svg>
`;
}

function text(x: number, y: number, words: string, weight = 'normal'): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y}" font-weight="${weight}" fill="#1f2933">${safe}</text>`;
}
