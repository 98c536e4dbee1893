import { monthOf } from '../line-text.ts';
import { yearOfYearless } from '../log-clock.ts';

/** The time and the names that a logger writes before a message. */
export interface LineHead {
  readonly message: string;
  readonly clock: 'none' | 'no_year' | 'no_zone' | 'full';
  readonly timeMs: number | null;
  /** The program that the system's log names: `kernel`, `systemd`, `gunicorn`. */
  readonly program: string | null;
  /** The machine that the system's log names. */
  readonly host: string | null;
}

type Groups = Readonly<Record<string, string | undefined>>;

const clock = '(?<h>\\d\\d):(?<mi>\\d\\d):(?<s>\\d\\d)(?:[.,](?<f>\\d{1,9}))?';
const zone = '(?: ?(?<z>Z|UTC|GMT|[+-]\\d\\d:?\\d\\d))?';
/** "host kernel: ", "host gunicorn[12]: ". A level is no name of a program. */
const names =
  '(?:(?: (?!\\[)(?<host>[^\\s[\\]/:]{1,255}))? (?<program>(?!(?:ALERT|CRITICAL|DEBUG|E(?:rror|RROR)|FATAL|INFO|NOTICE|WARN(?:ING)?):)[^\\s:[\\]{"@=]{1,100})(?:\\[[^\\]\\s]{1,40}\\])?:)? ';
const month = '(?<mon>[A-Z][a-z]{2})';

/** Times as loggers write them at the beginning of a line; the first that matches counts. */
const heads: readonly RegExp[] = [
  // syslog (RFC 3164): "Nov 21 10:00:00 host kernel: "
  new RegExp(`^(?:<\\d{1,3}>)?${month} {1,2}(?<d>\\d{1,2}) ${clock}${names}`),
  // syslog of today, journalctl -o short-iso, docker events: "2026-11-21T10:00:00.123456+00:00 host kernel: "
  new RegExp(`^(?:<\\d{1,3}>)?\\[?(?<y>\\d{4})-(?<m>\\d\\d)-(?<d>\\d\\d)[T ]${clock}${zone}\\]?${names}`),
  // journalctl -o short-full: "Sat 2026-11-21 10:00:00 UTC host systemd[1]: "
  new RegExp(`^[A-Z][a-z]{2} (?<y>\\d{4})-(?<m>\\d\\d)-(?<d>\\d\\d) ${clock}${zone}${names}`),
  // php-fpm: "[21-Nov-2026 10:00:00] "
  new RegExp(`^\\[(?<d>\\d\\d)-${month}-(?<y>\\d{4}) ${clock}${zone}\\] `),
  // dmesg -T: "[Sat Nov 21 10:00:00 2026] "
  new RegExp(`^\\[[A-Z][a-z]{2} ${month} {1,2}(?<d>\\d{1,2}) ${clock} (?<y>\\d{4})\\] `),
  // uWSGI: "Sat Nov 21 10:00:00 2026 - "
  new RegExp(`^[A-Z][a-z]{2} ${month} {1,2}(?<d>\\d{1,2}) ${clock} (?<y>\\d{4}) - `),
  // "2026/11/21 10:00:00 "
  new RegExp(`^(?<y>\\d{4})/(?<m>\\d\\d)/(?<d>\\d\\d) ${clock}${zone} `),
  // Passenger: "[ W 2026-11-21 10:00:00.1234 123/T1 age/Cor/Main.cpp:12 ]: "
  new RegExp(`^\\[ [A-Z] (?<y>\\d{4})-(?<m>\\d\\d)-(?<d>\\d\\d) ${clock} [^\\]]{1,200}\\]: `),
];

/** A line of the system's log whose time was cut off. */
const withoutTime =
  /^(?:(?<host>[^\s[\]/:"{]{1,255}) )?(?<program>kernel|systemd|dockerd|containerd)(?:\[\d{1,10}\])?: /;

/** Seconds since the machine started, before a message of the kernel: no time by themselves. */
const sinceStart = /^\[ {0,12}\d{1,12}\.\d{1,9}\] /;

/** `docker events --format json`. */
const jsonTime = /"timeNano":(\d{13})\d{6}\b/;

/** Takes a line apart. A line without a time is its own message. */
export function headOf(line: string): LineHead {
  if (line.startsWith('{')) {
    const [, ms] = jsonTime.exec(line) ?? [];
    return {
      message: line,
      clock: ms === undefined ? 'none' : 'full',
      timeMs: ms === undefined ? null : Number(ms),
      program: null,
      host: null,
    };
  }
  const outer = outerHead(line);
  if (outer.clock === 'none') return outer;
  // The program may have written a time of its own after the one of the system's log.
  const inner = outerHead(outer.message);
  return inner.clock === 'none'
    ? outer
    : { ...inner, program: inner.program ?? outer.program, host: inner.host ?? outer.host };
}

function outerHead(line: string): LineHead {
  for (const form of heads) {
    const match = form.exec(line);
    const groups = match?.groups;
    if (match === null || groups === undefined) continue;
    const timeMs = timeOf(groups);
    if (timeMs === null) continue;
    const message = line.slice(match[0].length).replace(sinceStart, '');
    const kind = groups['y'] === undefined ? 'no_year' : groups['z'] === undefined ? 'no_zone' : 'full';
    return { message, clock: kind, timeMs, program: groups['program'] ?? null, host: groups['host'] ?? null };
  }
  const text = line.replace(sinceStart, '');
  const cut = withoutTime.exec(text);
  const [host, program] = [cut?.groups?.['host'] ?? null, cut?.groups?.['program'] ?? null];
  const message = cut === null ? text : text.slice(cut[0].length).replace(sinceStart, '');
  return { message, clock: 'none', timeMs: null, program, host };
}

function timeOf({ y, m, mon, d, h, mi, s, f, z }: Groups): number | null {
  const monthIndex = m === undefined ? monthOf(mon ?? '') : Number(m) - 1;
  if (monthIndex === null) return null;
  const year = y === undefined ? yearOfYearless : Number(y);
  const ms = Date.UTC(year, monthIndex, Number(d), Number(h), Number(mi), Number(s));
  return ms + Math.trunc(Number(`0.${f ?? 0}`) * 1000) - zoneMs(z);
}

function zoneMs(text: string | undefined): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(text ?? '') ?? [];
  if (sign === undefined) return 0;
  const ms = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? -ms : ms;
}
