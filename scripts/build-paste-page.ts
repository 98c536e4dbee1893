import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildPastePage } from './paste-page.ts';
import { repositoryRoot } from './repository.ts';

/** Writes the page on which people paste a log: one file, which can be opened directly or put on any web server. */
const file = resolve(process.argv[2] ?? join(repositoryRoot, 'dist', 'explain.html'));
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, buildPastePage());
console.log(file);
