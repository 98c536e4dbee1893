import type { ProbeReport } from '../../probe/probe-report.ts';
import { sizeText } from '../explain-log/progress-bar.ts';
import { columnsMax, countText, harmless, padTo, shorten, wrapAfter } from '../layout.ts';
import type { Style } from '../style.ts';
import type { ProbedProcess } from './probe-process.ts';
import { wayRows } from './way-rows.ts';

const labelWidth = 12;
const gap = 2;

/** The whole report within 80 columns: what came on each way side by side, the process behind, and the verdict. */
export function probeLines(
  { direct, gateway, verdict, process }: ProbeReport & { readonly process: ProbedProcess | null },
  style: Style,
): string[] {
  const ways = gateway === null ? [wayRows(direct)] : [wayRows(direct), wayRows(gateway)];
  const width = Math.floor((columnsMax - labelWidth - gap * (ways.length - 1)) / ways.length);
  const labels = [...new Set(ways.flatMap((rows) => [...rows.keys()]))];
  const titles = gateway === null ? [] : [padTo('', labelWidth) + padTo('DIRECT', width + gap) + 'THROUGH THE GATEWAY'];
  return [
    ...titles.map(style.bold),
    ...labels.flatMap((label) =>
      rowLines(
        label,
        ways.map((rows) => rows.get(label) ?? []),
        width,
        style,
      ),
    ),
    ...processLines(process, style),
    '',
    ...verdictLines(verdict, style),
  ];
}

/** One row: cells of several lines beside each other. A cell is plain text, and is marked by its first character. */
function rowLines(label: string, cells: readonly (readonly string[])[], width: number, style: Style): string[] {
  const fitted = cells.map((lines) => lines.flatMap((line) => fit(harmless(line), width)));
  const height = Math.max(...fitted.map((lines) => lines.length));
  if (height === 0) return [];
  return Array.from({ length: height }, (_, line) => {
    const head = style.dim(padTo(line === 0 ? label : '', labelWidth));
    const texts = fitted.map((lines, column) => {
      const text = lines[line] ?? '';
      const padded = column === fitted.length - 1 ? text : padTo(text, width + gap);
      return text.startsWith('✖') ? style.bad(padded) : padded;
    });
    return (head + texts.join('')).trimEnd();
  });
}

/** Breaks a line between words, and a word that is too long where it must be. */
function fit(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of wordsOf(text)) {
    const separator = line === '' ? '' : ' ';
    if ([...line, ...separator, ...word].length <= width) {
      line += separator + word;
      continue;
    }
    if (line !== '') lines.push(line);
    const characters = [...word];
    while (characters.length > width) lines.push(characters.splice(0, width).join(''));
    line = characters.join('');
  }
  return line === '' ? lines : [...lines, line];
}

/** The words of a text. A number and its unit are one. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const word of text.split(' ')) {
    const before = words.at(-1);
    if (before !== undefined && /\d$/.test(before) && /^(?:ms|s|bytes|kB|MB|GB)[,;.]?$/.test(word))
      words[words.length - 1] = `${before} ${word}`;
    else words.push(word);
  }
  return words;
}

function processLines(process: ProbedProcess | null, style: Style): string[] {
  if (process === null) return [];
  const { command, usage, unknown } = process;
  const who = command === null || usage === null ? null : `${command} (pid ${usage.pid})`;
  const facts = usage === null ? [] : usageTexts(usage);
  const text = [who, ...facts, unknown].filter((part) => part !== null).join(', ');
  return ['', ...labelled('process', shorten(harmless(text), 600), style)];
}

function usageTexts(usage: NonNullable<ProbedProcess['usage']>): string[] {
  const { openFiles, openFilesMax, memoryBytes, memoryPeakBytes, threads, controlGroup: group } = usage;
  const texts: string[] = [];
  texts.push(
    openFiles === null
      ? 'open files not readable (try as root)'
      : `${openFiles} of ${openFilesMax ?? 'unknown'} files open`,
  );
  if (memoryBytes !== null)
    texts.push(
      `${sizeText(memoryBytes)} of memory${memoryPeakBytes === null ? '' : ` (at most ${sizeText(memoryPeakBytes)})`}`,
    );
  if (threads !== null) texts.push(countText(threads, 'thread'));
  if (group === null) return [...texts, 'its control group is not readable'];
  if (group.memoryBytes !== null)
    texts.push(
      `its control group uses ${sizeText(group.memoryBytes)}${group.memoryMaxBytes === null ? ' without a limit' : ` of ${sizeText(group.memoryMaxBytes)}`}`,
    );
  if (group.oomKills !== null)
    texts.push(group.oomKills === 0 ? 'no OOM kills' : countText(group.oomKills, 'OOM kill'));
  const pressures: readonly (readonly [string, number | null])[] = [
    ['CPU', group.cpuPressure],
    ['memory', group.memoryPressure],
    ['I/O', group.ioPressure],
  ];
  for (const [name, share] of pressures)
    if (share !== null && share > 0) texts.push(`${share} % of the last 10 s waiting for ${name}`);
  if (group.cpuThrottled !== null && group.cpuThrottled > 0)
    texts.push(`throttled ${countText(group.cpuThrottled, 'time')}`);
  return texts;
}

const layerTexts = {
  application: 'the application fails',
  gateway: 'the gateway fails',
  between: 'between the gateway and the application',
  direct: 'only the direct way fails',
} as const;

/** Before a request was sent, it is not the application that failed, but the way to it. */
const stageTexts: Readonly<Partial<Record<string, string>>> = {
  dns: 'the name lookup fails',
  connect: 'the connection fails',
  tls: 'the TLS handshake fails',
};

function verdictLines(
  { works, layer, stage, shape, cause, ...verdict }: ProbeReport['verdict'],
  style: Style,
): string[] {
  const how = [shape === 'none' ? null : shape, stage === null ? null : `at ${stage}`].filter((part) => part !== null);
  const colour = works ? style.good : style.bad;
  const early = layer === 'application' ? stageTexts[stage ?? ''] : undefined;
  const title = works || layer === null ? '✔ works' : `✖ ${[early ?? layerTexts[layer], how.join(', ')].join(': ')}`;
  return [
    ...fit(harmless(title), columnsMax).map(colour),
    ...labelled('', verdict.sentence, style),
    ...(cause === null ? [] : labelled('cause', cause, style)),
    ...(verdict.nextStep === null ? [] : labelled('next', verdict.nextStep, style)),
    ...verdict.notes.flatMap((note, index) => labelled(index === 0 ? 'notes' : '', note, style)),
  ];
}

function labelled(label: string, text: string, style: Style): string[] {
  const indent = `  ${label}`;
  return wrapAfter(indent, fit(harmless(text), columnsMax - labelWidth).join(' '), labelWidth).map((line, index) =>
    index === 0 && label !== '' ? style.dim(line.slice(0, labelWidth)) + line.slice(labelWidth) : line,
  );
}
