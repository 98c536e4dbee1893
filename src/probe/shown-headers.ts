import type { HeaderReport } from './probe-report.ts';

/** Headers that say how a response came. Cookies, tokens and the application's own headers are left out of reports. */
const shown: readonly string[] = [
  'server',
  'via',
  'proxy-status',
  'location',
  'content-type',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'alt-svc',
  'retry-after',
  'allow',
  'upgrade',
  'x-cache',
  'age',
];

const valueMax = 300;

export function shownHeaders(headers: Readonly<Record<string, readonly string[]>>): readonly HeaderReport[] {
  return shown.flatMap((name) =>
    (headers[name] ?? []).slice(0, 4).map((value) => ({ name, value: value.slice(0, valueMax) })),
  );
}
