import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Files, Language } from './release-form.ts';

const folder = join(import.meta.dirname, 'base');

/** The old release: a web shop without dependencies, in either language with the same answers. Its source is in base/. */
export function oldRelease(language: Language): Files {
  return {
    ...readFolder(join(folder, 'common')),
    ...readFolder(join(folder, language)),
    VERSION: 'old\n',
    'public/assets/app-3f9a1c2b.js': script,
    'public/assets/app-3f9a1c2b.css': style,
    'public/images/hero.svg': picture,
  };
}

/** Writes a release to a folder. No file is executable. */
export function writeFiles(to: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), text);
  }
}

function readFolder(from: string): Files {
  return Object.fromEntries(readdirSync(from).map((name) => [name, readFileSync(join(from, name), 'utf8')]));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const script = `// the script of the shop\n${numbers(120)
  .map((index) => `export function control${index}(element) { element.dataset.control = '${index}'; }\n`)
  .join('')}`;

const style = `/* the style of the shop */\n${numbers(120)
  .map(
    (index) =>
      `.control-${index} { margin: ${index % 7}px; color: #${(index * 1001).toString(16).padStart(6, '0')}; }\n`,
  )
  .join('')}`;

/** 60 KiB. */
const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">\n${numbers(1250)
  .map(
    (index) =>
      `<circle cx="${(index * 37) % 1000}" cy="${(index * 91) % 1000}" r="${index % 50}" fill="#${(index * 7919).toString(16).padStart(6, '0')}"/>\n`,
  )
  .join('')}</svg>\n`;
