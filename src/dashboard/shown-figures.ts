import { durationText, elapsedText } from '#failures/quantity-text.ts';
import type { StatusJson } from './model.ts';
import { isInAttempts, outputGroups } from '../core/output-groups.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';

/** Figures and times as the pages show them: short, and of the same width where they stand below each other. */

/** '1 243', '12.3 k': with a thin space, so that it stays one word. */
export function countFigure(count: number): string {
  if (count < 10_000) return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/, '\u2009');
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)}\u2009k` : `${(count / 1_000_000).toFixed(2)}\u2009M`;
}

/** '0.4', '12', '1 243'. */
export function rateFigure(perS: number): string {
  return perS > 0 && perS < 10 ? perS.toFixed(1) : countFigure(perS);
}

/** Requests a second: that of the last seconds where it differs from the minute's, and the share that clients did not wait for, where it is 1 % or more. */
export function rateFigures(minute: StatusJson['last_minute']): readonly (readonly [name: string, value: string])[] {
  const { requests, requests_per_s: perS, recent_per_s: recentPerS, abandoned } = minute;
  const figures: [string, string][] = [['requests/s', rateFigure(perS)]];
  if (recentPerS > 1.5 * perS || recentPerS < perS / 1.5) figures.push(['in the last 10 s', rateFigure(recentPerS)]);
  if (abandoned > 0 && abandoned / requests >= 0.01)
    figures.push(['left by clients', shareFigure(abandoned / requests)]);
  return figures;
}

/** '0 %', '0.2 %', '< 0.1 %': what is not zero is never shown as zero. */
export function shareFigure(share: number | null): string {
  if (share === null) return '–';
  if (share === 0) return '0 %';
  if (share < 0.001) return '< 0.1 %';
  return share < 0.1 ? `${(share * 100).toFixed(1)} %` : `${Math.round(share * 100)} %`;
}

export function durationFigure(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : durationText(ms);
}

/** '14:02:11', local time. */
export function clockText(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** '14:02:11.058'. */
export function clockTextMs(at: number): string {
  return `${clockText(at)}.${String(new Date(at).getMilliseconds()).padStart(3, '0')}`;
}

/** '14:02:11' today, otherwise with the date: '2026-11-22 14:02:11'. */
export function timeText(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  return date.toDateString() === today.toDateString() ? clockText(at) : `${dateText(date)} ${clockText(at)}`;
}

/** '14:02:11.058' today, otherwise with the day: '11-22 14:02:11.058'. */
export function timeTextMs(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  return date.toDateString() === today.toDateString()
    ? clockTextMs(at)
    : `${dateText(date).slice(5)} ${clockTextMs(at)}`;
}

/** 'UTC+01:00': of the times that pages show. */
export function zoneText(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`;
}

/** '3 min ago'. */
export function agoText(at: number, now: number): string {
  return `${elapsedText((now - at) / 1000)} ago`;
}

function dateText(date: Date): string {
  return [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-');
}

function twoDigits(part: number): string {
  return String(part).padStart(2, '0');
}

/** A line of an application as the page of a request shows it. */
export interface ShownOutput {
  readonly line: OutputLineJson;
  /** False: perhaps it is about another request. */
  readonly hasId: boolean;
  /** 'this request', 'its trace' or 'meanwhile'; of another line when it came. */
  readonly about: string;
}

/** Each in the order of `outputGroups`, which `candor explain` prints too. */
interface ShownOutputs {
  readonly ofAttempts: readonly ShownOutput[];
  /** Lines with an id of the request that were printed long before or after it, or by applications that had no attempt of it. */
  readonly others: readonly ShownOutput[];
}

export function shownOutput(context: RequestContextJson): ShownOutputs {
  const shown = outputGroups(context).flatMap(({ lines, about, relation }) =>
    lines.map(({ line, note }) => ({
      isInAttempts: isInAttempts(relation),
      output: {
        line,
        hasId: relation !== 'nearby',
        about: [note, about].filter((text) => text !== null).join('; '),
      },
    })),
  );
  const rows = (wanted: boolean): readonly ShownOutput[] =>
    shown.filter((one) => one.isInAttempts === wanted).map(({ output }) => output);
  return { ofAttempts: rows(true), others: rows(false) };
}

/** The lines of a text that its errors name, as in `candor.yaml:3:5: …`, with what is wrong there. */
export function errorsByLine(errors: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const byLine = new Map<number, string[]>();
  for (const error of errors) {
    const [, line, , what] = /^[^\n]*?:(\d+):(\d+): (.*)$/s.exec(error) ?? [];
    if (line === undefined || what === undefined) continue;
    const number = Number(line);
    byLine.set(number, [...(byLine.get(number) ?? []), what]);
  }
  return byLine;
}
