import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExchangeRecord } from '../../../src/core/schemas/record.ts';
import { headerOf, parseRawResponse, type RawClient, type RawResponse } from '../../../src/testing/testing.ts';
import { startFromYaml, type YamlGateway } from '../../gateway/start-from-yaml.ts';
import { compareCounts } from './compare-counts.ts';
import type { AttackOriginKind, SeenRequest } from './origins.ts';
import { type SmugglingPayload, type Step, untilAnswered } from './payload.ts';
import { recordsIn } from '../../records.ts';

/** How the bytes of a payload are sent: as they are written, or in slices of a few bytes that split lines. */
type Form = 'whole' | 'cut';

/** The answers that one client of an attack got. */
export interface Outcome {
  readonly payload: SmugglingPayload;
  readonly form: Form;
  readonly answers: readonly RawResponse[];
  /** Records of the exchanges on its connection, in the order of their answers. */
  readonly records: readonly ExchangeRecord[];
  /** Bytes after the last answer that are no answer. */
  readonly rest: string;
  readonly state: RawClient['state'];
}

export interface AttackReport {
  readonly outcomes: readonly Outcome[];
  readonly records: readonly ExchangeRecord[];
  readonly seen: readonly SeenRequest[];
  /** The rules that were broken, one line each. */
  readonly findings: readonly string[];
}

/** So many concurrent clients share few connections to the origin: another client would get any leftover byte. */
const clientsAtOnce = 8;
/** After this time without a byte, the answer is complete. */
const quietMs = 25;
/** Some origins answer fewer requests than the strict one; the attack waits so long for the rest. */
const timeoutMs = 600;
const pieceBytes = 13;

/** Sends payloads through a new gateway to a new origin, and compares what client, gateway and origin have counted. */
export async function attack(
  kind: AttackOriginKind,
  payloads: readonly SmugglingPayload[],
  forms: readonly Form[],
): Promise<AttackReport> {
  const origin = await kind.start();
  const log = 'exchanges.ndjson';
  const gateway = await startFromYaml(
    `listeners: { http: { bind: "127.0.0.1:0", http2: false } }\nupstreams: { app: { endpoints: "127.0.0.1:${origin.port}", check: none } }\nlog: { path: ${log}, detail: full }\n`,
  );
  const got: Got[] = [];
  try {
    const queue = payloads.flatMap((payload) => forms.map((form) => ({ payload, form })));
    const work = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) got.push(await play(gateway, next));
    };
    await Promise.all(Array.from({ length: clientsAtOnce }, work));
  } finally {
    await gateway.gateway.stop('the attack has ended');
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
  return recordsIn(readFileSync(path, 'utf8'));
}

/** Splits the bytes of a connection into answers, each by the method of the exchange that its id names. */
function outcomeOf({ payload, form, bytes, state }: Got, all: readonly ExchangeRecord[]): Outcome {
  const answers: RawResponse[] = [];
  const records: ExchangeRecord[] = [];
  let rest = bytes;
  for (;;) {
    const ended = state === 'open' || state === 'closed' ? 'no' : state === 'fin' ? 'fin' : 'reset';
    // Only the head of the next answer is needed to know its exchange; it may answer a HEAD.
    const headOnly = parseRawResponse(rest, 'HEAD', ended);
    if (headOnly === null) break;
    const record = all.find(({ id }) => id === headerOf(headOnly, 'x-request-id'));
    const answer = parseRawResponse(rest, record?.method ?? 'GET', ended);
    if (answer === null) break;
    answers.push(answer);
    if (record !== undefined) records.push(record);
    rest = answer.rest;
    if (rest.length === 0) break;
  }
  return { payload, form, answers, records, rest: rest.toString('latin1'), state };
}

/** Each answer to a client must belong to an exchange of the client's own connection. */
function ownAnswersOnly(outcome: Outcome): string[] {
  const findings: string[] = [];
  const name = `${outcome.payload.name}, ${outcome.form}`;
  if (outcome.rest !== '')
    findings.push(`${name}: after the answers comes ${JSON.stringify(outcome.rest.slice(0, 80))}`);
  for (const answer of outcome.answers) {
    const id = headerOf(answer, 'x-request-id');
    const echo = headerOf(answer, 'x-echo');
    if (id === null) findings.push(`${name}: an answer ${answer.status} without X-Request-Id`);
    if (echo !== null && echo !== id) findings.push(`${name}: the answer to ${id} was made for ${echo}`);
  }
  const ports = new Set(outcome.records.map(({ client }) => client.port));
  if (ports.size > 1) findings.push(`${name}: answers of ${ports.size} clients on one connection`);
  if (outcome.records.length !== outcome.answers.length) findings.push(`${name}: an answer without a record`);
  return findings;
}

/** A refusal is the 4xx or 5xx of its rule, names rule and section, and is the last answer on its connection. */
function refusedAsPromised(outcome: Outcome): string[] {
  const { payload, form, answers, records, state } = outcome;
  const findings: string[] = [];
  const name = `${payload.name}, ${form}`;
  records.forEach((record, index) => {
    if (record.cause !== 'request_refused') return;
    const answer = answers[index] as RawResponse;
    if (index < answers.length - 1) findings.push(`${name}: the connection continues after a refusal`);
    if (state === 'open') findings.push(`${name}: the connection stays open after a refusal`);
    if (record.method !== 'HEAD' && !/\(RFC \d+ §[\d.]+\)/.test(answer.body.toString())) {
      findings.push(`${name}: the refusal does not name its section`);
    }
    if (payload.rule === null) findings.push(`${name}: refused, ${record.status}`);
  });
  return findings;
}
