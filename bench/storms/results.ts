import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type StormGateway, stormGateways } from './configurations.ts';
import type { StormFigures } from './figures.ts';
import { type Storm, storms } from './storms.ts';

/** One gateway in one storm, with the circumstances. */
export interface StormRow extends StormFigures {
  readonly at: string;
  readonly revision: string;
  readonly scale: number;
  /** Why it should be measured again; null if the machine was quiet. */
  readonly disturbed: string | null;
}

/** Rows of earlier runs. Those of another form are dropped. */
export function readResults(file: string): readonly StormRow[] {
  if (!existsSync(file)) return [];
  const { version, rows } = JSON.parse(readFileSync(file, 'utf8')) as { version: number; rows: StormRow[] };
  return version === formVersion ? rows : [];
}

const formVersion = 1;

/** Replaces the file at once, so that an interrupted run loses no row that was there. */
export function writeResults(file: string, rows: readonly StormRow[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify({ version: formVersion, rows }, null, 1)}\n`);
  renameSync(next, file);
}

/** The new row replaces the one of the same storm and gateway. The order is that of the storms and gateways. */
export function withRow(rows: readonly StormRow[], row: StormRow): readonly StormRow[] {
  const all = [...rows.filter((one) => !isOf(one, row.storm, row.gateway)), row];
  const place = ({ storm, gateway }: StormRow): number =>
    storms.findIndex(({ name }) => name === storm) * stormGateways.length + stormGateways.indexOf(gateway);
  return all.toSorted((a, b) => place(a) - place(b));
}

function isOf(row: StormRow, storm: string, gateway: StormGateway): boolean {
  return row.storm === storm && row.gateway === gateway;
}

export interface Turn {
  readonly storm: Storm;
  readonly gateway: StormGateway;
  readonly seconds: number;
}

interface AskedRun {
  readonly storms: readonly Storm[];
  readonly gateways: readonly StormGateway[];
  readonly seconds: number | null;
  readonly scale: number;
  readonly revision: string;
  /** Leaves out what the results have of the same revision, undisturbed. */
  readonly resume: boolean;
}

/** The rows that a run measures, in order. */
export function turnsOf(asked: AskedRun, rows: readonly StormRow[]): readonly Turn[] {
  return asked.storms.flatMap((storm) => {
    const gateways = storm.gateways ?? stormGateways;
    const seconds = asked.seconds ?? storm.seconds;
    const isDone = (gateway: StormGateway): boolean =>
      rows.some((row) => isOf(row, storm.name, gateway) && counts(row));
    const counts = (row: StormRow): boolean =>
      row.disturbed === null &&
      (row.gateway !== 'candor' || row.revision === asked.revision) &&
      row.seconds === seconds &&
      row.scale === asked.scale;
    return asked.gateways
      .filter((gateway) => gateways.includes(gateway) && !(asked.resume && isDone(gateway)))
      .map((gateway) => ({ storm, gateway, seconds }));
  });
}

/** What a turn takes beside its storm: starts, warm-up and ends. */
const besideS = 4;

export function secondsLeft(turns: readonly Turn[]): number {
  return turns.reduce((sum, { seconds }) => sum + seconds + besideS, 0);
}
