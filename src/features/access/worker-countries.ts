import { type CountryDatabase, loadDatabaseLibrary, openCountryDatabase } from './country-database.ts';
import type { CountryRules } from './settings.ts';

type Source = Pick<CountryDatabase, 'countryOf'>;

/** One reader for all routes and revisions with the same content. */
const readers = new Map<string, WeakRef<Source>>();

export async function loadCountries({ database, file }: CountryRules): Promise<void> {
  if (database === undefined) throw new Error(`${file} could not be read, or was written meanwhile`);
  await loadDatabaseLibrary();
}

export function countriesOf({ database, version }: CountryRules): Source {
  const known = readers.get(version)?.deref();
  if (known !== undefined) return known;
  if (database === undefined) throw new Error('the countries have not been loaded');
  const made = openCountryDatabase(Buffer.from(database));
  readers.clear();
  readers.set(version, new WeakRef(made));
  return made;
}
