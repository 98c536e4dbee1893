import type { Database } from './database.ts';

/** How often the index merges its parts, and how much it holds in memory, saves a sixth of the time of storing (`npm run bench:store`). */
const schema = `
  CREATE TABLE templates (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY, id, trace, at INTEGER NOT NULL, template INTEGER NOT NULL, client, port INTEGER, path, query,
    status INTEGER, duration INTEGER NOT NULL, bytes INTEGER NOT NULL, stands_for INTEGER NOT NULL, rest TEXT);
  CREATE TABLE spans (number INTEGER PRIMARY KEY, first_seq INTEGER, last_seq INTEGER, first_at INTEGER, last_at INTEGER);
  CREATE TABLE span_keys (number INTEGER PRIMARY KEY, ids BLOB NOT NULL, traces BLOB NOT NULL);
  CREATE VIRTUAL TABLE terms USING fts5(words, content='', detail=none, columnsize=0, tokenize='ascii');
  INSERT INTO terms (terms, rank) VALUES ('automerge', 16), ('hashsize', 4194304);
  CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, json TEXT NOT NULL);
  CREATE TABLE output_sources (number INTEGER PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE output (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, source INTEGER NOT NULL, text TEXT NOT NULL,
    left_out INTEGER NOT NULL, ids INTEGER NOT NULL);
  CREATE INDEX output_at ON output (at);
  CREATE TABLE output_ids (id, seq INTEGER NOT NULL, PRIMARY KEY (id, seq)) WITHOUT ROWID;
  CREATE TABLE processes (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, instance TEXT NOT NULL, json TEXT NOT NULL);
  CREATE INDEX processes_at ON processes (instance, at);`;

/** The `user_version` of a file. It grows with every change of the schema, which brings files of the version before to the new one. */
const schemaVersion = 1;

/** The `application_id` of a file, by which SQLite's tools and file(1) tell whose it is: 'Cndr'. */
const applicationId = 0x436e6472;

/** False if the file is of another version of Candor, or of another program. It has not been changed. */
export function isUsable(database: Database): boolean {
  if (isEmpty(database)) return true;
  return numberOf(database, 'application_id') === applicationId && numberOf(database, 'user_version') === schemaVersion;
}

/** Creates the schema in a file that is empty. */
export function createSchema(database: Database): void {
  if (!isEmpty(database)) return;
  database.execute('BEGIN IMMEDIATE');
  // During an upgrade the other process may have been faster.
  if (isEmpty(database)) {
    database.execute(schema);
    database.execute(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
  }
  database.execute('COMMIT');
}

function isEmpty(database: Database): boolean {
  return database.prepare('SELECT 1 FROM sqlite_master').get() === undefined;
}

function numberOf(database: Database, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[0] ?? 0);
}
