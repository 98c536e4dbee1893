import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

/** The licenses of the npm packages that the bundles contain, for the people who get the bundles. */
export function bundledLicenses(packages: Iterable<string>): string {
  const sections = [...packages].toSorted().map((name) => {
    const folder = join(repositoryRoot, 'node_modules', name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const texts = licenseFiles(folder, manifest).map((file) => readFileSync(file, 'utf8').trim());
    return [`${name} ${manifest.version}: ${manifest.license}${authorText(manifest)}`, ...texts].join('\n\n');
  });
  return `Candor contains parts of these packages.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name: string };
}

function authorText({ author }: Manifest): string {
  if (author === undefined) return '';
  return `, by ${typeof author === 'string' ? author : author.name}`;
}

/** The package's own; where it has none, the text that its license says to include. */
function licenseFiles(folder: string, { license }: Manifest): string[] {
  const own = readdirSync(folder).filter((name) => /^(?:licen[cs]e|notice|copying)/i.test(name));
  if (own.some((name) => !/^notice/i.test(name))) return own.map((name) => join(folder, name));
  const standard = join(repositoryRoot, 'scripts', 'licenses', `${license}.txt`);
  if (!existsSync(standard)) throw new Error(`${folder} has no license, and ${standard} is missing`);
  return [...own.map((name) => join(folder, name)), standard];
}
