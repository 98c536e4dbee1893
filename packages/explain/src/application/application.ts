import {
  type ApplicationLog,
  rule,
  type ApplicationRule,
  nodeLog,
  gunicornLog,
  uwsgiLog,
  passengerLog,
  pumaLog,
} from './runtimes.ts';
import { type Dialect, dialect } from '../dialect.ts';
import type { ApplicationEvent, Finding } from '../finding.ts';
import { judgedText, monthOf } from '../line-text.ts';
import { failedWith, findingOf, harmlessVerdict } from '../verdict.ts';
import { kubernetesLog, systemdLog, phpLog } from './supervisors.ts';
import { yearOfYearless } from '../log-clock.ts';

/** The time and the names that a logger writes before a message. */
interface LineHead {
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

/** `docker events`: `container die 3f2a… (exitCode=137, image=shop, name=web)`, or the same as JSON. */
const named = (action: string, attributes = ''): RegExp =>
  new RegExp(
    `^container ${action} [0-9a-f]{12,64} \\((?=.{0,2000}\\bimage=(?<image>[^,)]{1,200}))(?=.{0,2000}\\bname=(?<container>[^,)]{1,200}))${attributes}`,
  );
const json = (action: string, attributes = ''): RegExp =>
  new RegExp(
    `^\\{(?=.{0,4000}"Type":"container")(?=.{0,4000}"(?:Action|status)":"${action}")(?=.{0,4000}"name":"(?<container>[^"]{1,200})")${attributes}`,
  );

const killedSentence =
  'The container {container} was killed (137): by the OOM killer, or since it did not stop in time.';
const killedFix = 'Look for an event `oom` beside it, and for the OOM killer in the kernel log';
const failedSentence = 'The container {container} ended with exit code {why}.';
const logsCommand = 'docker logs --tail 100 NAME';
const outOfMemory = 'A process in the container {container} was killed for its memory.';
const memoryFix = 'Raise the limit of memory of the container, or find out what needs so much';

const dockerLog: ApplicationLog = {
  product: 'docker',
  format: 'Docker events',
  needs: /container (?:die|oom|kill|stop|start|restart) |"Type":"container"/,
  names: [],
  rules: [
    rule('oom_kill', named('oom'), outOfMemory, memoryFix, 'docker run --memory 1g IMAGE'),
    rule('crash', named('die', '(?=.{0,2000}\\bexitCode=137\\b)'), killedSentence, killedFix),
    rule('exit', named('die', '(?=.{0,2000}\\bexitCode=(?:0|143)\\b)'), 'The container {container} ended.'),
    rule(
      'crash',
      named('die', '(?=.{0,2000}\\bexitCode=(?<why>\\d{1,3}))'),
      failedSentence,
      'Read its log',
      logsCommand,
    ),
    rule('stop', named('(?:stop|restart)'), 'The container {container} was stopped or restarted on purpose.'),
    rule(
      'stop',
      named('kill', '(?=.{0,2000}\\bsignal=(?:15|SIGTERM|2|3)\\b)'),
      'The container {container} was stopped on purpose.',
    ),
    rule('start', named('start'), 'The container {container} was started.'),
    rule('oom_kill', json('oom'), outOfMemory, memoryFix, 'docker run --memory 1g IMAGE'),
    rule('crash', json('die', '(?=.{0,4000}"exitCode":"137")'), killedSentence, killedFix),
    rule('exit', json('die', '(?=.{0,4000}"exitCode":"(?:0|143)")'), 'The container {container} ended.'),
    rule(
      'crash',
      json('die', '(?=.{0,4000}"exitCode":"(?<why>\\d{1,3}))'),
      failedSentence,
      'Read its log',
      logsCommand,
    ),
    rule('stop', json('(?:stop|restart)'), 'The container {container} was stopped or restarted on purpose.'),
    rule('start', json('start'), 'The container {container} was started.'),
  ],
};

const javaLog: ApplicationLog = {
  product: 'jvm',
  format: 'Java output',
  needs: /OutOfMemoryError|Java Runtime Environment|hs_err_pid/,
  names: ['java'],
  rules: [
    rule(
      'crash',
      /^(?:Terminating|Aborting) due to java\.lang\.OutOfMemoryError(?:: (?<why>.{1,80}))?/,
      'The Java virtual machine ended itself, since it had no memory left ({why}).',
      'Raise `-Xmx` below the limit of the container, or find out what keeps so much (`-XX:+HeapDumpOnOutOfMemoryError`)',
      'java -XX:MaxRAMPercentage=75 -XX:+HeapDumpOnOutOfMemoryError -jar app.jar',
    ),
    rule(
      'crash',
      /^(?:.{0,200}[\s:([])?java\.lang\.OutOfMemoryError(?:: (?<why>[\w ]{1,60}))?/,
      'A program of Java had no memory left ({why}). It may go on without the thread that failed.',
      'Raise `-Xmx` below the limit of the container, and end the program at this error (`-XX:+ExitOnOutOfMemoryError`)',
      'java -XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError -jar app.jar',
    ),
    rule(
      'crash',
      /^# A fatal error has been detected by the Java Runtime Environment/,
      'The Java virtual machine crashed.',
      'Read the file hs_err_pid….log that it has written',
    ),
    rule(
      'crash',
      /^# There is insufficient memory for the Java Runtime Environment to continue/,
      'The Java virtual machine ended, because the system gave it no more memory.',
      'Lower `-Xmx`, or give the container more memory',
    ),
    rule(null, /^# (?:An error report file with more information is saved as|.{0,120}hs_err_pid)/, ''),
  ],
};

const moreMemory =
  'Give it more memory, or find out what it needs so much for; a limit of the service or the container is raised there';
const limit = 'systemctl set-property NAME.service MemoryMax=1G\n# or: docker run --memory 1g, resources.limits.memory';

/** Messages of the kernel, in dmesg, kern.log and the journal. */
const kernelLog: ApplicationLog = {
  product: 'kernel',
  format: 'kernel log',
  needs: /[Oo]ut of memory|oom|segfault|general protection|trap /,
  names: [],
  rules: [
    rule(
      'oom_kill',
      /^Memory cgroup out of memory: Kill(?:ed)? process (?<pid>\d{1,10})(?:,? UID \d+,?)? ?\((?<process>[^)]{1,64})\)/,
      'The OOM killer ended {process} (pid {pid}): its control group had reached its limit of memory.',
      moreMemory,
      limit,
    ),
    rule(
      'oom_kill',
      /^Out of memory(?:\s\([^)]*\))?: Kill(?:ed)? process (?<pid>\d{1,10})(?:,? UID \d+,?)? ?\((?<process>[^)]{1,64})\)/,
      'The OOM killer ended {process} (pid {pid}): the machine had no memory left.',
      moreMemory,
    ),
    rule(
      'oom_kill',
      /^oom-kill:constraint=\w{1,40},.{0,400}?task_memcg=(?<cgroup>[^,]{1,300}),task=(?<process>[^,]{1,64}),pid=(?<pid>\d{1,10})/,
      'The OOM killer ended {process} (pid {pid}) of {cgroup}.',
      moreMemory,
      limit,
    ),
    rule(
      null,
      /^(?<process>\S{1,64}) invoked oom-killer:|^oom_reaper: reaped process|^Tasks in \S+ killed as a result/,
      '',
    ),
    rule(
      'crash',
      /^(?<process>[^\s[]{1,64})\[(?<pid>\d{1,10})\](?:: segfault at| general protection)/,
      '{process} (pid {pid}) crashed: it accessed memory that is not its own.',
      'Look for a core dump (`coredumpctl info`), and update the program or its native modules',
    ),
    rule(
      'crash',
      /^traps: (?<process>[^\s[]{1,64})\[(?<pid>\d{1,10})\] (?:general protection|trap \S+)/,
      '{process} (pid {pid}) crashed.',
      'Look for a core dump (`coredumpctl info`), and update the program or its native modules',
    ),
  ],
};

/** In the order in which they are asked. */
export const applicationLogs: readonly ApplicationLog[] = [
  kernelLog,
  systemdLog,
  phpLog,
  gunicornLog,
  uwsgiLog,
  pumaLog,
  passengerLog,
  nodeLog,
  javaLog,
  kubernetesLog,
  dockerLog,
];

interface ApplicationLine {
  readonly log: ApplicationLog;
  readonly rule: ApplicationRule;
  readonly head: LineHead;
  readonly groups: Readonly<Record<string, string | undefined>>;
}

/** Messages are no longer. */
const judgedCharactersMax = 4000;

let last: { readonly line: string; readonly found: ApplicationLine | null } | null = null;

/** All dialects ask about the same line in turn, so the last result is kept. */
function applicationLine(line: string): ApplicationLine | null {
  if (last === null || last.line !== line) last = { line, found: find(line) };
  return last.found;
}

function find(line: string): ApplicationLine | null {
  const text = judgedText(line).slice(0, judgedCharactersMax);
  let head: LineHead | null = null;
  for (const log of applicationLogs) {
    if (!log.needs.test(text)) continue;
    head ??= headOf(text);
    for (const rule of log.rules) {
      const match = rule.form.exec(head.message);
      if (match !== null) return { log, rule, head, groups: match.groups ?? {} };
    }
  }
  return null;
}

function read(line: string): Finding | null {
  const found = applicationLine(line);
  if (found === null) return null;
  const { log, rule, head, groups } = found;
  const { product, format } = log;
  const facts = {
    gateway: product,
    format,
    kind: 'event',
    atMs: head.clock === 'no_year' ? null : head.timeMs,
    evidence: [head.message.slice(0, 160)],
  } as const;
  const words = { sentence: sentenceOf(rule, groups), fix: rule.fix };
  const verdict =
    rule.seen === undefined ? { ...harmlessVerdict, ...words } : failedWith('application', rule.seen, words);
  const application = eventOf(found);
  return application.kind === null
    ? { ...findingOf({ ...facts, evidence: [] }, harmlessVerdict), application }
    : { ...findingOf(facts, verdict), application };
}

function sentenceOf({ sentence }: ApplicationRule, groups: ApplicationLine['groups']): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => groups[name]?.slice(0, 120) ?? '').replace(/ \(\)/g, '');
}

const keysOfNames = ['process', 'unit', 'cgroup', 'container', 'pod', 'image'] as const;

function eventOf({ log, rule, head, groups }: ApplicationLine): ApplicationEvent {
  const found = keysOfNames.flatMap((key) => groups[key] ?? []).map((name) => name.slice(0, 200));
  // What logs to the system's log under its own name is the application itself.
  const own =
    head.program === null || /^(?:kernel|systemd|dockerd|containerd)$/.test(head.program) ? [] : [head.program];
  const names = [...found, ...own];
  const { pid, listen } = groups;
  return {
    kind: rule.kind,
    names: names.length === 0 ? log.names : names,
    ...(rule.isWorker === true ? { isWorker: true } : {}),
    ...(pid === undefined ? {} : { pid }),
    ...(listen === undefined ? {} : { listens: listen.slice(0, 200) }),
    clock: head.clock,
    timeMs: head.timeMs,
  };
}

/** Logs of the application's side: they tell why a gateway failed, and are no failures of a gateway. */
export const applicationDialects: readonly Dialect[] = applicationLogs.map((log) =>
  dialect(log.product, log.format, (line) => (applicationLine(line)?.log === log ? 2 : 0), read),
);
