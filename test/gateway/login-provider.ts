import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import type { YamlGateway } from './start-from-yaml.ts';

export const clientSecret = 'canary-of-the-client-secret';

interface ProviderOptions {
  /** Origins that may be returned to. */
  readonly origins: readonly string[];
  /** How long access tokens are valid. */
  readonly tokenS?: number;
  /** Of every user, by its name, which is what people type. */
  readonly claimsOf?: (name: string) => Record<string, unknown>;
}

/** A real provider of OpenID Connect on this machine, at which everybody may log in with any password. */
export class LoginProvider {
  readonly #server: Server;
  /** Requests that it has got from the gateway, as 'POST /token'. */
  readonly asked: string[];

  private constructor(server: Server, asked: string[]) {
    this.#server = server;
    this.asked = asked;
  }

  static async start({ origins, tokenS = 3600, claimsOf = usualClaims }: ProviderOptions): Promise<LoginProvider> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const provider = new Provider(`http://127.0.0.1:${port}`, {
      clients: [
        {
          ...{ client_id: 'tools', client_secret: clientSecret, response_types: ['code'] },
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: origins.map((origin) => `${origin}/.candor/login/callback`),
          post_logout_redirect_uris: origins.map((origin) => `${origin}/.candor/login/out`),
        },
      ],
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }] },
      cookies: { keys: ['a key of this test'] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups', 'tenant'] },
      features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
      pkce: { required: () => true },
      discovery: { prompt_values_supported: ['none', 'login', 'consent'] },
      ttl: {
        AccessToken: tokenS,
        IdToken: 3600,
        RefreshToken: 86_400,
        Session: 86_400,
        Grant: 86_400,
        Interaction: 600,
      },
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      findAccount: (_, name) => ({
        accountId: name,
        claims: () => Promise.resolve({ sub: name, ...claimsOf(name) }),
      }),
      // Nobody is asked for consent.
      async loadExistingGrant({ oidc }) {
        const { provider: own, client, session } = oidc;
        const grant = new own.Grant({
          ...(client === undefined ? {} : { clientId: client.clientId }),
          ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
        });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    const asked: string[] = [];
    const answer = provider.callback();
    server.on('request', (request, response) => {
      asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`);
      void answer(request, response);
    });
    return new LoginProvider(server, asked);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  count(line: string): number {
    return this.asked.filter((one) => one === line).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function usualClaims(name: string): Record<string, unknown> {
  return {
    email: `${name}@example.org`,
    email_verified: true,
    groups: [name === 'ada' ? 'admin' : 'staff'],
    tenant: 'a',
  };
}

/** A browser without pages: its cookies, and what it sends with each navigation. */
export class Person {
  readonly #gateway: YamlGateway;
  readonly #provider: LoginProvider;
  /** By host, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();

  constructor(gateway: YamlGateway, provider: LoginProvider) {
    this.#gateway = gateway;
    this.#provider = provider;
  }

  /** Asks the gateway, as a proxy with TLS in front of it would. */
  async ask(
    url: string,
    headers: readonly string[] = ['Sec-Fetch-Mode: navigate', 'Accept: text/html'],
  ): Promise<RawResponse> {
    const { protocol, host, pathname, search } = new URL(url);
    const jar = this.jarOf(host);
    const cookie = jar.size === 0 ? [] : [`Cookie: ${[...jar].map((pair) => pair.join('=')).join('; ')}`];
    const response = await this.#gateway.get(`${pathname}${search}`, [
      ...[`Host: ${host}`, `X-Forwarded-Proto: ${protocol.slice(0, -1)}`, ...cookie, ...headers],
    ]);
    for (const [name, value] of response.headers) if (name.toLowerCase() === 'set-cookie') this.#keep(host, value);
    return response;
  }

  /** What it types at the provider, beginning at the URL to which the gateway has sent it, until the provider sends it back. */
  async logIn(location: string, name: string): Promise<string> {
    let at = location;
    for (let steps = 0; steps < 12; steps++) {
      if (!at.startsWith(this.#provider.issuer)) return at;
      const shown = await this.#fetch(at);
      const next = shown.headers.get('location');
      const text = await shown.text();
      if (next !== null) {
        at = new URL(next, at).href;
        continue;
      }
      const [, action = ''] = /action="([^"]+)"/.exec(text) ?? [];
      assert.notEqual(action, '', `a form of the provider: ${shown.status} ${text.slice(0, 300)}`);
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(text)?.[1];
      const body = new URLSearchParams(
        xsrf === undefined ? { prompt: 'login', login: name, password: 'x' } : { xsrf, logout: 'yes' },
      );
      const sent = await this.#fetch(new URL(action, at).href, { method: 'POST', body });
      at = new URL(sent.headers.get('location') ?? '', at).href;
      await sent.text();
    }
    assert.fail('the provider does not come to an end');
  }

  /** Opens a page, logs in, and comes back to it. */
  async open(url: string, name = 'ada'): Promise<RawResponse> {
    const begun = await this.ask(url);
    const back = await this.ask(await this.logIn(locationOf(begun), name));
    return this.ask(locationOf(back));
  }

  jarOf(host: string): Map<string, string> {
    const jar = this.cookies.get(host) ?? new Map<string, string>();
    this.cookies.set(host, jar);
    return jar;
  }

  async #fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const { host } = new URL(url);
    const cookie = [...this.jarOf(host)].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) this.#keep(host, line);
    return response;
  }

  #keep(host: string, line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const name = pair.slice(0, pair.indexOf('='));
    const isOver = attributes.some((one) => /^(?:max-age=0|expires=Thu, 01 Jan 1970.*)$/i.test(one));
    if (isOver) this.jarOf(host).delete(name);
    else this.jarOf(host).set(name, pair.slice(pair.indexOf('=') + 1));
  }
}

export function locationOf(response: RawResponse): string {
  const location = headerOf(response, 'location');
  assert.ok(location !== null, `a redirect, and not ${response.status} ${response.body.toString()}`);
  return location;
}
