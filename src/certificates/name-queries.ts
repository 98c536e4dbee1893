import { lookup } from 'node:dns/promises';

/** Addresses of a name as the programs of this machine get them; empty: it could not be found out; null: the name is not known here. */
export async function addressesOf(domain: string): Promise<readonly string[] | null> {
  try {
    const found = await lookup(domain, { all: true });
    return found.map(({ address }) => address).slice(0, 4);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTFOUND' ? null : [];
  }
}
