import { closeSync, openSync } from 'node:fs';
import type { FromStore, StoreInit } from '../core/store-messages.ts';
import { createWakeWord } from '../record/record-ring.ts';
import { systemClock } from '../system/system.ts';
import { StoreWriter } from './store-writer.ts';

// A program whose limit of open files is low: it searches a store while it may open 0, 1, 2, … further files, and prints what the store says.

const path = process.argv[2] ?? '';
const said: FromStore[] = [];
const spec = { path, keepAgeMs: 1e9, keepBytes: 1e9, successesPerSecond: 200, slowMs: 1000 };
const search = { query: '', limit: 1, cursor: null, after: null };

function initOf(): StoreInit {
  const count = (): SharedArrayBuffer => new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  return { wakeWord: createWakeWord(), lost: count(), entriesDone: count() };
}

function searchWith(free: number | null): object {
  const opened: number[] = [];
  try {
    while (free !== null) opened.push(openSync('/dev/null', 'r'));
  } catch {
    for (const descriptor of opened.splice(0, free ?? 0)) closeSync(descriptor);
  }
  said.length = 0;
  const writer = new StoreWriter(initOf(), systemClock, (message) => said.push(message));
  writer.handle({ kind: 'use', spec });
  writer.handle({ kind: 'search', request: 1, search });
  writer.handle({ kind: 'close', request: 2 });
  for (const descriptor of opened) closeSync(descriptor);
  return { free, said: [...said] };
}

// The first search finds no file: an event is stored, so that there is one.
const writer = new StoreWriter(initOf(), systemClock, () => undefined);
writer.handle({ kind: 'use', spec });
writer.handle({ kind: 'events', events: [{ seq: 1, at: 1, json: '{}' }] });
writer.handle({ kind: 'close', request: 1 });
process.stdout.write(JSON.stringify([0, 1, 2, 3, 8, null].map(searchWith)), () => process.exit(0));
