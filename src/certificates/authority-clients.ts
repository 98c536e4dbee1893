import { AcmeClient, type AcmeSettings } from './acme-client.ts';
import type { AcmePorts } from './acme-session.ts';
import type { CertificateStore, StoreProblem } from './certificate-store.ts';

/** A client of each CA, with the account that the store has for it. */
export class AuthorityClients {
  readonly #ports: AcmePorts & { readonly store: CertificateStore };
  readonly #clients = new Map<string, AcmeClient>();

  constructor(ports: AcmePorts & { readonly store: CertificateStore }) {
    this.#ports = ports;
  }

  of(authority: AcmeSettings): AcmeClient | StoreProblem {
    const known = this.#clients.get(authority.directoryUrl);
    if (known !== undefined) return known;
    const account = this.#ports.store.account(authority.directoryUrl, authority.externalAccount?.keyId);
    if ('why' in account) return account;
    const client = new AcmeClient(this.#ports, authority, account);
    this.#clients.set(authority.directoryUrl, client);
    return client;
  }

  /** Writes the URL that the CA has given the account, if it is another one. Null: it is kept. */
  keepAccount({ directoryUrl, externalAccount }: AcmeSettings, url: string): StoreProblem | null {
    const { store } = this.#ports;
    const account = store.account(directoryUrl, externalAccount?.keyId);
    if ('why' in account) return account;
    return account.url === url ? null : store.writeAccount(directoryUrl, { ...account, url }, externalAccount?.keyId);
  }
}
