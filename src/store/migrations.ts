import type { Database } from './database.ts';

/**
 * The schema of a file, in steps. A file has the number of steps that it has taken as its `user_version`; older files take the others when
 * they are opened. Never change a step: add one.
 *
 * How often the index merges its parts, and how much it holds in memory, is no schema: files that had taken the first step before
 * these settings stood in it keep those of FTS5. They save a sixth of the time of storing (`npm run bench:store`).
 */
const steps: readonly string[] = [
  `CREATE TABLE templates (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
   CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
   CREATE TABLE exchanges (
     seq INTEGER PRIMARY KEY, id, trace, at INTEGER NOT NULL, template INTEGER NOT NULL, client, port INTEGER, path, query,
     status INTEGER, duration INTEGER NOT NULL, bytes INTEGER NOT NULL, stands_for INTEGER NOT NULL, rest TEXT);
   CREATE INDEX exchanges_id ON exchanges (id);
   CREATE TABLE spans (number INTEGER PRIMARY KEY, first_seq INTEGER, last_seq INTEGER, first_at INTEGER, last_at INTEGER);
   CREATE VIRTUAL TABLE terms USING fts5(words, content='', detail=none, columnsize=0, tokenize='ascii');
   INSERT INTO terms (terms, rank) VALUES ('automerge', 16), ('hashsize', 4194304);`,
  `CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, json TEXT NOT NULL);`,
  `CREATE TABLE output_sources (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
   CREATE TABLE output (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, source INTEGER NOT NULL, text TEXT NOT NULL,
     left_out INTEGER NOT NULL, ids INTEGER NOT NULL);
   CREATE INDEX output_at ON output (at);
   CREATE TABLE output_ids (id, seq INTEGER NOT NULL, PRIMARY KEY (id, seq)) WITHOUT ROWID;`,
  `CREATE TABLE span_keys (number INTEGER PRIMARY KEY, ids BLOB NOT NULL, traces BLOB NOT NULL);`,
  `CREATE TABLE processes (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, instance TEXT NOT NULL, json TEXT NOT NULL);
   CREATE INDEX processes_at ON processes (instance, at);`,
];

/** Of a new file: its rows are found by the keys of their spans. An older file keeps its index of ids (`span-table.ts`). */
const newFile = 'DROP INDEX exchanges_id';

export const schemaVersion = steps.length;

/** Brings a file to the current schema; false if it is of a later one. */
export function migrate(database: Database): boolean {
  const version = Number(database.prepare('PRAGMA user_version').get()?.[0] ?? 0);
  if (version > schemaVersion) return false;
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    database.execute('BEGIN IMMEDIATE');
    database.execute(step);
    database.execute(`PRAGMA user_version = ${index + 1}`);
    database.execute('COMMIT');
  }
  if (version === 0) database.execute(newFile);
  return true;
}
