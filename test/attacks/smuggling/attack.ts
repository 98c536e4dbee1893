import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExchangeRecord } from '../../../src/core/record.ts';
import { fieldOf, parseRawResponse, type RawClient, type RawResponse } from '../../../src/testing/testing.ts';
import { startFromYaml, type YamlGateway } from '../../gateway/start-from-yaml.ts';
import { compareCounts } from './compare-counts.ts';
import type { AttackOriginKind, SeenRequest } from './origins.ts';
import { type SmugglingPayload, type Step, untilAnswered } from './payload.ts';

/** How the bytes of a payload leave: as they are written, or cut every few bytes, in the middle of lines. */
export type Form = 'whole' | 'cut';

/** What one client of an attack got, answer by answer. */
export interface Outcome {
  readonly payload: SmugglingPayload;
  readonly form: Form;
  readonly answers: readonly RawResponse[];
  /** Records of the exchanges on its connection, in the order of their answers. */
  readonly records: readonly ExchangeRecord[];
  /** Bytes behind the last answer that are no answer. */
  readonly rest: string;
  readonly state: RawClient['state'];
}

export interface AttackReport {
  readonly outcomes: readonly Outcome[];
  readonly records: readonly ExchangeRecord[];
  readonly seen: readonly SeenRequest[];
  /** What broke the law, one line each. */
  readonly findings: readonly string[];
}

/** So many clients at once share few connections to the origin: a byte too many would meet somebody else. */
const clientsAtOnce = 8;
/** Without another byte for so long, nothing more is said. */
const quietMs = 25;
/** Some origins answer less than the strict one; it is waited so long for what may not come. */
const timeoutMs = 600;
const pieceBytes = 13;

/** Puts payloads through a gateway of their own to a fresh origin, and compares what everybody counted. */
export async function attack(
  kind: AttackOriginKind,
  payloads: readonly SmugglingPayload[],
  forms: readonly Form[],
): Promise<AttackReport> {
  const origin = await kind.start();
  const log = 'exchanges.ndjson';
  const gateway = await startFromYaml(
    `upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }\nlog: { path: ${log} }\n`,
  );
  const got: Got[] = [];
  try {
    const queue = payloads.flatMap((payload) => forms.map((form) => ({ payload, form })));
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) got.push(await play(gateway, next));
    };
    await Promise.all(Array.from({ length: clientsAtOnce }, work));
  } finally {
    await gateway.gateway.stop('the attack is over');
    await origin.stop();
  }
  const records = readRecords(join(gateway.folder, log));
  await gateway.stop();
  const outcomes = got.map((one) => outcomeOf(one, records));
  const findings = [
    ...origin.violations().map((violation) => `the origin complains: ${violation}`),
    ...compareCounts(records, origin.seen()),
    ...outcomes.flatMap(ownAnswersOnly),
    ...outcomes.flatMap(refusedAsPromised),
  ];
  return { outcomes, records, seen: origin.seen(), findings };
}

interface Got {
  readonly payload: SmugglingPayload;
  readonly form: Form;
  readonly bytes: Buffer;
  readonly state: RawClient['state'];
}

async function play(gateway: YamlGateway, { payload, form }: { payload: SmugglingPayload; form: Form }): Promise<Got> {
  const client = gateway.connect();
  try {
    for (const step of payload.steps) await send(client, step, form);
    const wanted = payload.answers.length;
    const open = (): boolean => client.state === 'open';
    const whole = (): boolean => (payload.rule === null ? answersIn(client.bytes) >= wanted : false);
    if (wanted > 0) await client.waitFor(() => !open() || whole(), timeoutMs);
    for (let seen = -1; open() && seen !== client.bytes.length; ) {
      seen = client.bytes.length;
      await sleep(quietMs);
    }
    return { payload, form, bytes: client.bytes, state: client.state };
  } finally {
    client.close();
  }
}

async function send(client: RawClient, step: Step, form: Form): Promise<void> {
  if (typeof step === 'number') {
    await sleep(step);
    return;
  }
  if (step === untilAnswered) {
    await client.waitFor(() => client.bytes.length > 0 || client.state !== 'open', timeoutMs);
    return;
  }
  if (form === 'whole') return client.write(step);
  for (const piece of step.match(new RegExp(`[^]{1,${pieceBytes}}`, 'g')) ?? []) {
    client.write(piece);
    await sleep(0);
  }
}

function answersIn(bytes: Buffer): number {
  return bytes.toString('latin1').match(/HTTP\/1\.1 [2-5]\d\d /g)?.length ?? 0;
}

function readRecords(path: string): ExchangeRecord[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as ExchangeRecord);
}

/** Takes a connection's bytes apart, each answer by the method of the exchange that it names. */
function outcomeOf({ payload, form, bytes, state }: Got, all: readonly ExchangeRecord[]): Outcome {
  const answers: RawResponse[] = [];
  const records: ExchangeRecord[] = [];
  let rest = bytes;
  for (;;) {
    const ended = state === 'open' || state === 'closed' ? 'no' : state === 'fin' ? 'fin' : 'reset';
    // Only the next answer's head is needed to know whose it is; it may answer a HEAD.
    const headOnly = parseRawResponse(rest, 'HEAD', ended);
    if (headOnly === null) break;
    const record = all.find(({ id }) => id === fieldOf(headOnly, 'x-request-id'));
    const answer = parseRawResponse(rest, record?.method ?? 'GET', ended);
    if (answer === null) break;
    answers.push(answer);
    if (record !== undefined) records.push(record);
    rest = answer.rest;
    if (rest.length === 0) break;
  }
  return { payload, form, answers, records, rest: rest.toString('latin1'), state };
}

/** Whatever a client is answered with belongs to an exchange of its own connection. */
function ownAnswersOnly(outcome: Outcome): string[] {
  const findings: string[] = [];
  const name = `${outcome.payload.name}, ${outcome.form}`;
  if (outcome.rest !== '')
    findings.push(`${name}: behind the answers comes ${JSON.stringify(outcome.rest.slice(0, 80))}`);
  for (const answer of outcome.answers) {
    const id = fieldOf(answer, 'x-request-id');
    const echo = fieldOf(answer, 'x-echo');
    if (id === null) findings.push(`${name}: an answer ${answer.status} without X-Request-Id`);
    if (echo !== null && echo !== id) findings.push(`${name}: the answer to ${id} was made for ${echo}`);
  }
  const ports = new Set(outcome.records.map(({ client }) => client.port));
  if (ports.size > 1) findings.push(`${name}: answers of ${ports.size} clients on one connection`);
  if (outcome.records.length !== outcome.answers.length) findings.push(`${name}: an answer that nobody recorded`);
  return findings;
}

/** A refusal is 4xx or 5xx by its rule, says rule and section, and is the last that the connection says. */
function refusedAsPromised(outcome: Outcome): string[] {
  const { payload, form, answers, records, state } = outcome;
  const findings: string[] = [];
  const name = `${payload.name}, ${form}`;
  records.forEach((record, index) => {
    if (record.cause !== 'request_refused') return;
    const answer = answers[index] as RawResponse;
    if (index < answers.length - 1) findings.push(`${name}: the connection goes on behind a refusal`);
    if (state === 'open') findings.push(`${name}: the connection stays open behind a refusal`);
    if (record.method !== 'HEAD' && !/\(RFC \d+ §[\d.]+\)/.test(answer.content.toString())) {
      findings.push(`${name}: the refusal does not name its section`);
    }
    if (payload.rule === null) findings.push(`${name}: refused, ${record.status}`);
  });
  return findings;
}
