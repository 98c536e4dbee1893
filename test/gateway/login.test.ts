import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { headerOf, type RawResponse } from '../../src/testing/testing.ts';
import { clientSecret, LoginProvider, locationOf, Person } from './login-provider.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok } from './raw-origin.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

const tools = 'https://tools.test';
const origin = originForTests('the page');
let provider: LoginProvider;
let edge: YamlGateway;
let ada: Person;

const yaml = (): string => `
trusted_peers: [127.0.0.1]
upstreams:
  app: { endpoints: "${origin.address}", check: none }
  id: { endpoints: "127.0.0.1:${provider.port}", check: none }
routes:
  - path: /open
    to: app
  - path: /admins
    to: app
    authentication:
      oidc: { issuer: "${provider.issuer}", upstream: id, client_id: tools, client_secret_file: secret, claim_headers: { X-Tenant: tenant } }
      require: { groups: admin }
  - to: app
    authentication:
      oidc: { issuer: "${provider.issuer}", upstream: id, client_id: tools, client_secret_file: secret, claim_headers: { X-Tenant: tenant } }
      user_header: X-User
      groups_header: X-Groups
`;

describe('a route with a login', () => {
  before(async () => {
    provider = await LoginProvider.start({ origins: [tools, 'https://other.test'] });
    edge = await startFromYaml(yaml(), { files: { secret: `${clientSecret}\n` } });
  });
  after(async () => {
    await edge?.stop();
    await provider?.stop();
  });
  beforeEach(() => {
    ada = new Person(edge, provider);
  });

  it('sends people to the provider and back to the page, and tells the application who they are', async () => {
    const page = await ada.open(`${tools}/reports?year=1`);
    assert.equal(page.status, 200);
    assert.equal(page.body.toString(), 'the page');
    console.log(origin);
  });
});
