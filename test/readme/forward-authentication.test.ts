import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from '../gateway/raw-origin.ts';
import { ReloadedGateway, requestText } from '../gateway/start-from-yaml.ts';
import { blocksOf, readDocument } from './markdown.ts';

const document = readDocument('docs/authentication.md');
const edge = new ReloadedGateway();
const origins: RawOrigin[] = [];
after(() => edge.stop());
after(() => Promise.all(origins.map((origin) => origin.close())));

const answer = (status: string, headers: string): string => `HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\n\r\n`;

const recipes = [
  {
    heading: 'Recipe: behind Authelia',
    ...{
      host: 'app.example.org',
      port: 9091,
      path: '/api/authz/forward-auth',
      portalHost: 'auth.example.org',
      portal: '/',
    },
    ...{ admits: '200 OK', tells: 'Remote-User', login: 'https://auth.example.org/?rd=x' },
  },
  {
    heading: 'Recipe: behind oauth2-proxy',
    ...{ host: 'app.example.org', port: 4180, path: '/', portalHost: 'app.example.org', portal: '/oauth2/callback' },
    ...{ admits: '202 Accepted', tells: 'X-Auth-Request-Email', login: 'https://id.example.org/authorize' },
  },
] as const;

describe('docs/authentication.md', () => {
  for (const { heading, host, port, path, portalHost, portal, admits, tells, login } of recipes)
    test(heading, async () => {
      const application = await RawOrigin.start(() => ok('of the application'));
      const service = await RawOrigin.start(({ line, headers }) => {
        if (line !== `GET ${path} HTTP/1.1`) return ok('of the portal');
        const isKnown = headers.some(([name, value]) => name.toLowerCase() === 'cookie' && value === 'session=ada');
        return isKnown
          ? answer(admits, `${tells}: ada@example.org\r\n`)
          : answer('302 Found', `Location: ${login}\r\n`);
      });
      origins.push(application, service);
      const found = blocksOf(document).find((block) => block.heading === heading && block.language === 'yaml');
      assert.ok(found !== undefined);
      const gateway = await edge.with(
        found.text
          .replace(/^listeners:.*\n/m, '')
          .replace('127.0.0.1:3000', application.address)
          .replace(`127.0.0.1:${port}`, service.address),
      );
      const ask = (target: string, at: string, headers: readonly string[] = []) =>
        gateway.send(requestText('GET', target, [`Host: ${at}`, ...headers]));
      const stranger = await ask('/', host);
      assert.deepEqual([stranger.status, headerOf(stranger, 'location')], [302, login]);
      const known = await ask('/', host, ['Cookie: session=ada', `${tells}: root`]);
      assert.deepEqual([known.status, application.last.line], [200, 'GET / HTTP/1.1']);
      const told = application.last.headers.filter(([name]) => name.toLowerCase() === tells.toLowerCase());
      assert.deepEqual(
        told.map(([, value]) => value),
        ['ada@example.org'],
      );
      assert.equal(String((await ask(portal, portalHost)).body), 'of the portal');
    });
});
