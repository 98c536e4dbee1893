import { type Dialect, dialect } from '../dialect.ts';
import type { ApplicationEvent, Finding } from '../finding.ts';
import { judgedText } from '../line-text.ts';
import { failedWith } from '../typed-verdict.ts';
import { findingOf, harmlessVerdict } from '../verdict.ts';
import type { ApplicationLog, ApplicationRule } from './application-rule.ts';
import { dockerLog } from './docker.ts';
import { javaLog } from './java.ts';
import { kernelLog } from './kernel.ts';
import { kubernetesLog } from './kubernetes.ts';
import { headOf, type LineHead } from './line-head.ts';
import { nodeLog } from './nodejs.ts';
import { phpLog } from './php-fpm.ts';
import { gunicornLog, uwsgiLog } from './python.ts';
import { passengerLog, pumaLog } from './ruby.ts';
import { systemdLog } from './systemd.ts';

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
